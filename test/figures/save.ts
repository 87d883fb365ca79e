/**
 * Keeps the output of a measurement with commit, date and machine, as the documents quote it:
 *
 *     node test/figures/save.ts NAME OUTPUT.json FOLDER COMMAND…
 *
 * `.ci/nightly` writes them into its folder; those that are to be quoted are copied to test/figures/ and committed.
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { cpus, loadavg } from 'node:os';
import { join } from 'node:path';

/** What stands in test/figures/NAME.json. */
export interface Saved {
  readonly name: string;
  readonly commit: string;
  /** Day of the run. */
  readonly date: string;
  readonly command: string;
  readonly machine: { readonly cpus: number; readonly load: number; readonly node: string };
  readonly output: unknown;
}

if (import.meta.main) {
  const [name = '', output = '', folder = '', ...command] = process.argv.slice(2);
  const saved: Saved = {
    name,
    commit: execFileSync('git', ['rev-parse', '--short', 'HEAD'], { encoding: 'utf8' }).trim(),
    date: new Date().toISOString().slice(0, 10),
    command: command.join(' '),
    machine: { cpus: cpus().length, load: Math.round(loadavg()[0] ?? 0), node: process.version },
    output: JSON.parse(readFileSync(output, 'utf8')),
  };
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, `${name}.json`), `${JSON.stringify(saved, undefined, 1)}\n`);
}
