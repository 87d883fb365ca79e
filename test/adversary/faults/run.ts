/**
 * `npm run faults`: captures under faults, and captures that are killed. Prints what became of them; exit code 1 if a
 * single one ended as none may.
 *
 *     --captures N   captures against a proxy that fails (1000)
 *     --kill N       captures that are killed at a random moment (1000); given alone, no others are run, and vice versa
 *     --seed N       another seed repeats nothing, the same one everything but the timing (1)
 *     --max-ms N     limit of each capture (2000): more on a machine that does other work beside
 *     --json         figures as JSON
 */
import { parseArgs } from 'node:util';
import { openBucket, useKeys } from './bucket.ts';
import { runCaptures } from './captures.ts';
import { captureTable, killTable } from './figures.ts';
import { runKills } from './kill.ts';

const { values } = parseArgs({
  options: {
    captures: { type: 'string' },
    kill: { type: 'string' },
    seed: { type: 'string', default: '1' },
    'max-ms': { type: 'string', default: '2000' },
    json: { type: 'boolean', default: false },
  },
});
const count = (given: string | undefined, other: string | undefined): number =>
  Number(given ?? (other === undefined ? 1000 : 0));
const progress =
  (what: string, all: number) =>
  (done: number): void => {
    if (process.stderr.isTTY || done % 50 === 0) process.stderr.write(`${what} ${done} of ${all}\n`);
  };

useKeys();
const bucket = await openBucket('faults');
const captures = count(values.captures, values.kill);
const captured =
  captures === 0
    ? undefined
    : await runCaptures({
        captures,
        seed: Number(values.seed),
        maxMs: Number(values['max-ms']),
        bucket,
        onProgress: progress('capture', captures),
      });
const kills = count(values.kill, values.captures);
const killed =
  kills === 0
    ? undefined
    : await runKills({ kills, seed: Number(values.seed), bucket, onProgress: progress('kill', kills) });
await bucket.close();
const violations = [...(captured?.violations ?? []), ...(killed?.violations ?? [])];
if (values.json)
  process.stdout.write(
    `${JSON.stringify({ server: bucket.server, seed: Number(values.seed), captures: captured, kills: killed }, null, 1)}\n`,
  );
else {
  process.stdout.write(`server: ${bucket.server}, seed ${values.seed}\n\n`);
  if (captured !== undefined) process.stdout.write(`${captureTable(captured)}\n\n`);
  if (killed !== undefined) process.stdout.write(`${killTable(killed)}\n\n`);
  for (const violation of violations) process.stdout.write(`VIOLATION ${violation}\n`);
}
process.exitCode = violations.length === 0 ? 0 : 1;
