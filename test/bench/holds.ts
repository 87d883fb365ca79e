/** How long a capture holds the main thread of the function at a stretch. */
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Held } from './held.ts';
import { median, runNode, type Measure } from './measure.ts';
import { attackedTmp, manySmallFiles } from './workloads.ts';

const MAX_MS = 20;

export const holds: Measure = {
  name: 'holds',
  title: 'Longest hold of the main thread during a whole capture to a local folder, by a timer of 1 ms',
  run: async ({ quick, folder, program }) => {
    const capture = await program('held');
    const evidence = join(folder, 'evidence');
    const rows = [
      ['W2, 10,000 small files', manySmallFiles(folder, 10_000)],
      ['W4, 28 MB like an attacked /tmp', attackedTmp(folder)],
    ] as const;
    return rows.map(([what, tree]) => {
      const found: Held['holds'][] = [];
      for (let run = 0; run < (quick ? 2 : 7); run += 1) {
        mkdirSync(evidence);
        found.push((runNode([capture, tree, `file://${evidence}`]) as Held).holds);
        rmSync(evidence, { recursive: true });
      }
      const of = (name: keyof Held['holds']): number => median(found.map((one) => one[name]));
      const note = `${of('longestCpuMs').toFixed(1)} ms of it on the processor; ${of('turns').toFixed(0)} turns of the event loop in ${of('elapsedMs').toFixed(0)} ms`;
      return { what, ours: of('longestMs'), unit: 'ms', target: { of: 'ours', most: MAX_MS }, note } as const;
    });
  },
};
