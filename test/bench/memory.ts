/** Memory of a capture beside an idle function, in sandboxes with a limit on memory. */
import { captureOnce, noSandbox, startSink, type Scenery, type Sink } from './sandboxed.ts';
import type { Measure, Row, Setting } from './measure.ts';
import { manySmallFiles, oneLargeFile, sparseFile } from './workloads.ts';

const MIB = 1024 * 1024;
const MAX = 32;
/** What a function with an SDK has in memory before anything is captured: a client that has spoken TLS. */
const CLIENT = `
const { get } = await import('node:https');
await new Promise((done, fail) => get(process.env.AMBER_S3_ENDPOINT, (answer) => answer.resume().on('end', done)).on('error', fail));`;

export const memory: Measure = {
  name: 'memory',
  title:
    'Most resident memory of a whole capture over the idle function that has used node:https, to S3 by the light transport, in limits of 128 and 64 MB',
  run: async (setting) => {
    const reason = noSandbox();
    if (reason !== undefined) return [{ what: 'memory', notRun: reason }];
    const sink = await startSink(5);
    try {
      const rows: Row[] = [];
      for (const [what, tmp, tmpMb] of workloads(setting)) {
        for (const memoryMb of setting.quick ? [128] : [1769, 128, 64])
          rows.push(await take(what, { tmp, tmpMb, memoryMb, sink }));
        rows.push(
          ...(setting.quick
            ? []
            : [
                await take(`${what}, not compressed`, {
                  tmp,
                  tmpMb,
                  memoryMb: 1769,
                  sink,
                  env: { AMBER_COMPRESSION: 'none' },
                }),
              ]),
        );
      }
      return rows;
    } finally {
      sink.close();
    }
  },
};

function workloads({ quick, folder }: Setting): readonly (readonly [what: string, tmp: string, tmpMb: number])[] {
  return [
    ['W2, 10,000 small files', manySmallFiles(folder, 10_000), 512],
    quick
      ? ['128 MiB in one file', oneLargeFile(folder, 128), 512]
      : ['W1, 1 GiB in one file', oneLargeFile(folder, 1024), 1200],
    quick ? ['1 GiB sparse file', sparseFile(folder, 1), 512] : ['10 GiB sparse file', sparseFile(folder, 10), 512],
  ];
}

async function take(workload: string, scenery: Scenery & { readonly sink: Sink }): Promise<Row> {
  const what = `${workload}, function of ${scenery.memoryMb} MB`;
  const { capture, result } = await captureOnce({ before: CLIENT, ...scenery });
  if (capture === undefined)
    return {
      what,
      notRun: result.oomKilled
        ? 'killed by the limit on memory'
        : `the function ended with ${result.exit}: ${result.stderr.slice(-300)}`,
    };
  const note = `${capture.state}${capture.error === undefined ? '' : ` (${capture.error})`}, in ${capture.tookMs.toFixed(0)} ms; ${(capture.programBytes / MIB).toFixed(0)} MiB of it are pages of program files; without page cache the sandbox had at most ${(result.anonymousBytes / MIB).toFixed(0)} MiB`;
  return {
    what,
    ours: (capture.peakBytes - capture.idleBytes) / MIB,
    unit: 'MiB',
    target: { of: 'ours', most: MAX },
    note,
  };
}
