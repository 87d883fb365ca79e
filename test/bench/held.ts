/**
 * A program of the benchmark, bundled before it runs: one whole capture, watched by a timer. node held.mjs TREE
 * DESTINATION
 */
import { runCapture } from '../../src/capture/capture.ts';
import { resolveConfig } from '../../src/config/config.ts';
import { watchHolds, type Holds } from '../adversary/hostile/holds.ts';

export interface Held {
  readonly holds: Holds;
  readonly state: string;
}

const [tree = '', destination = ''] = process.argv.slice(2);
const config = resolveConfig({ destination, maxMs: 300_000 }, {});
// What loading left to do in the background is not part of it.
await new Promise((resolve) => setTimeout(resolve, 200));
const watch = watchHolds();
const report = await runCapture({
  cause: { trigger: 'call', reason: 'benchmark' },
  config,
  invocation: undefined,
  hardStopMs: Date.now() + 300_000,
  inProcess: true,
  roots: { proc: '/proc', etc: '/etc', writable: [tree], code: [] },
});
const held: Held = { holds: watch.end(), state: report.state };
console.log(`\n${JSON.stringify(held)}`);
