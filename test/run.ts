/**
 * `npm test`: every test file on this Node (24 by devDependency), then the runtime matrix on Node 22. At the end it says
 * what did not run and what that needs, which files took longest, and what failed.
 *
 *     npm test -- test/archive          what lies below those paths, on this Node only
 *     npm test -- --save-durations      everything, and how long each file took goes to test/durations.json
 */
import { spawnSync } from 'node:child_process';
import { globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { buildPackage } from './built.ts';
import { ON_NODE_22 } from './node-22.ts';
import { durationsOf, longestFirst, readTold, summary, type Durations, type Run } from './summary.ts';

const NODE_22 = 'node_modules/node-22/bin/node';
const DURATIONS = 'test/durations.json';
const CACHE = 'node_modules/.cache';

/** For a whole file: a loaded machine needs several times what a quiet one does. */
const FILE_MS = 1_500_000;
/** Node 22 warns of the types that it strips. */
const QUIET = '--disable-warning=ExperimentalWarning';
/** Files wait four fifths of their time, so that one more than there are cores keeps these busy. */
const CONCURRENCY = Math.max(2, availableParallelism()) + 1;

const known = JSON.parse(readFileSync(DURATIONS, 'utf8')) as Durations;

function testFiles(paths: readonly string[]): readonly string[] {
  const files = paths.flatMap((path) =>
    path.endsWith('.ts') ? [path] : globSync(`${path}/**/*.test.ts`, { exclude: ['**/node_modules/**'] }),
  );
  return longestFirst([...new Set(files)].sort(), known);
}

interface Ended extends Run {
  readonly good: boolean;
}

function run(node: string, files: readonly string[]): Ended {
  const version = spawnSync(node, ['-p', 'process.version'], { encoding: 'utf8' }).stdout.trim();
  process.stdout.write(`# ${files.length} test files on Node ${version}\n`);
  const folder = mkdtempSync(join(CACHE, 'run-'));
  const tally = join(folder, 'tally.jsonl');
  const { status } = spawnSync(
    node,
    [QUIET, 'test/in-order.ts', tally, String(CONCURRENCY), String(FILE_MS), ...files],
    // Compiled once in a run, not once in each of a thousand processes: a third of a second of the first import.
    // Absolute, or a process that works elsewhere has it there.
    { stdio: 'inherit', env: { ...process.env, NODE_COMPILE_CACHE: resolve(folder, 'compiled') } },
  );
  const told = readTold(readFileSync(tally, 'utf8'));
  rmSync(folder, { recursive: true });
  return { node: version, told, good: status === 0 };
}

const { values, positionals: chosen } = parseArgs({
  options: { 'save-durations': { type: 'boolean', default: false } },
  allowPositionals: true,
});
const major = Number(process.versions.node.split('.')[0]);
if (major < 22) throw new Error(`Node ${process.version} is too old for the tests; run them with \`npm test\``);
buildPackage();
// Sandboxes of the tests stand here: their own /tmp hides that of the machine.
mkdirSync(CACHE, { recursive: true });
const runs = [run(process.execPath, testFiles(chosen.length > 0 ? chosen : ['test']))];
if (chosen.length === 0) runs.push(run(NODE_22, testFiles(ON_NODE_22)));
process.stdout.write(summary(runs));
if (values['save-durations'] && chosen.length === 0)
  writeFileSync(DURATIONS, `${JSON.stringify(Object.fromEntries([...durationsOf(runs)].sort()), undefined, 2)}\n`);
process.exitCode = runs.every(({ good }) => good) ? 0 : 1;
