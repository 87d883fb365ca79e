/** Run as another user by unprivileged.test.ts: prints what becomes of each path below argv[2]. */
import { writable } from '../../src/collect/writable.ts';
import { bySource, drain, makeContext } from './context.ts';

const root = process.argv[2] ?? '';
const taken = bySource(await drain(writable, makeContext({ writable: [root] })));
const shown = Array.from(taken, ([path, { entry, head }]) => [
  path.slice(root.length + 1),
  [entry.kind, entry.outcome ?? '', entry.reason ?? '', head].join(' ').trim(),
]);
process.stdout.write(JSON.stringify(Object.fromEntries(shown)));
