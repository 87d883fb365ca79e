/** Captures by small functions: a part of one core, S3 behind TLS and 30 ms away. */
import { captureOnce, noSandbox, startSink, type Sink } from './sandboxed.ts';
import { median, type Measure, type Row, type Setting } from './measure.ts';
import { attackedTmp } from './workloads.ts';

/** Memory at which Lambda gives one core. */
const ONE_CORE_MB = 1769;

export const smallFunctions: Measure = {
  name: 'small',
  title:
    'Functions with a part of a core (MB / 1769, in periods of 20 ms), 28 MB in /tmp, S3 behind TLS, 30 ms a request, light transport',
  run: async (setting) => {
    const reason = noSandbox();
    if (reason !== undefined) return [{ what: 'small functions', notRun: reason }];
    const sink = await startSink(30);
    try {
      const rows: Row[] = [];
      for (const memoryMb of setting.quick ? [512] : [128, 256, 512, 1024, 1769])
        rows.push(...(await atSize(memoryMb, setting, sink)));
      return rows;
    } finally {
      sink.close();
    }
  },
};

async function atSize(memoryMb: number, { quick, folder }: Setting, sink: Sink): Promise<readonly Row[]> {
  const volatile: number[] = [];
  const manifest: number[] = [];
  let cpuMs = 0;
  let outcome = '';
  for (let run = 0; run < (quick ? 1 : 3); run += 1) {
    sink.puts.length = 0;
    const { capture, result } = await captureOnce({
      tmp: attackedTmp(folder),
      memoryMb,
      cores: memoryMb / ONE_CORE_MB,
      sink,
    });
    if (capture === undefined)
      return [
        {
          what: `${memoryMb} MB`,
          notRun: result.oomKilled
            ? 'killed by the limit on memory'
            : `the function ended with ${result.exit}: ${result.stderr.slice(-300)}`,
        },
      ];
    const after = (name: RegExp): number =>
      (sink.puts.find((put) => name.test(put.name))?.atMs ?? Number.NaN) - capture.calledMs;
    volatile.push(after(/^capture-0000\./u));
    manifest.push(after(/^manifest\.json$/u));
    cpuMs = result.cpuMs;
    outcome = `${capture.state}, ${capture.segments} segments`;
  }
  return [
    { what: `${memoryMb} MB: volatile segment stored`, ours: median(volatile), unit: 'ms' },
    {
      what: `${memoryMb} MB: manifest stored`,
      ours: median(manifest),
      unit: 'ms',
      note: `${outcome}; the function used ${cpuMs.toFixed(0)} ms of CPU in all, its start included`,
    },
  ];
}
