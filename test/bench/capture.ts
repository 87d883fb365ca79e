/** A whole capture in the function's own process. */
import { captureOnce, noSandbox } from './sandboxed.ts';
import { median, type Measure, type Row } from './measure.ts';
import { attackedTmp } from './workloads.ts';

/** Five processes beside the function and what started it, one of them with a heap of 136 MB. */
const PROCESSES = `
const started5 = ['globalThis.kept = new Array(17e6).fill(0.5)', '0', '0', '0', '0'].map((text) =>
  spawn(process.execPath, ['-e', text + '; console.log(1); setInterval(() => 0, 1e6)'], { stdio: ['ignore', 'pipe', 'inherit'] }));
for (const { stdout } of started5) await new Promise((done) => stdout.once('data', done));
await sleep(200);`;

export const whole: Measure = {
  name: 'capture',
  title:
    'Whole capture in process: 7 processes, one with a 136 MB heap, 28 MB in /tmp, no memory contents, to the manifest in a local folder, in a PID namespace',
  run: async (setting): Promise<readonly Row[]> => {
    const reason = noSandbox();
    if (reason !== undefined) return [{ what: 'capture', notRun: reason }];
    const took: number[] = [];
    const elapsed: number[] = [];
    let note = '';
    for (let run = 0; run < (setting.quick ? 2 : 7); run += 1) {
      const { capture, result } = await captureOnce({
        tmp: attackedTmp(setting.folder),
        memoryMb: 1769,
        before: PROCESSES,
      });
      if (capture === undefined)
        return [{ what: 'capture', notRun: `the function ended with ${result.exit}: ${result.stderr.slice(-300)}` }];
      took.push(capture.tookMs);
      elapsed.push(capture.elapsedMs);
      note = `${capture.state}, ${capture.processes} processes, ${capture.segments} segments`;
    }
    return [
      {
        what: 'from the first line of the capture to the manifest',
        ours: median(elapsed),
        unit: 'ms',
        target: { of: 'ours', most: 180 },
        note,
      },
      { what: 'the same with the loading of its modules', ours: median(took), unit: 'ms' },
    ];
  },
};
