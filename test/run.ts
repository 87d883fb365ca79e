/**
 * `npm test`: every test file on this Node (24 by devDependency), then the runtime matrix on Node 22.
 * `npm test -- test/archive` runs what lies below those paths, on this Node only.
 */
import { spawnSync } from 'node:child_process';
import { globSync, mkdirSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { buildPackage } from './built.ts';

const NODE_22 = 'node_modules/node-22/bin/node';
/** What Lambda's nodejs22.x must do as well: everything but the tooling. */
const ON_NODE_22 = [
  'test/archive',
  'test/capture',
  'test/collect',
  'test/config',
  'test/fs',
  'test/host',
  'test/lambda',
  'test/proc',
  'test/report',
  'test/seal',
  'test/secrets',
  'test/ship',
  'test/trigger',
];

/** For a whole file: a loaded machine needs several times what a quiet one does. */
const FILE_MS = 1_500_000;

function testFiles(paths: readonly string[]): string[] {
  return paths
    .flatMap((path) =>
      path.endsWith('.ts') ? [path] : globSync(`${path}/**/*.test.ts`, { exclude: ['**/node_modules/**'] }),
    )
    .sort();
}

function run(node: string, files: readonly string[]): boolean {
  const version = spawnSync(node, ['-p', 'process.version'], { encoding: 'utf8' }).stdout.trim();
  process.stdout.write(`# ${files.length} test files on Node ${version}\n`);
  const concurrency = String(Math.max(2, availableParallelism()));
  const { status } = spawnSync(
    node,
    ['--test', `--test-concurrency=${concurrency}`, `--test-timeout=${FILE_MS}`, '--test-reporter=spec', ...files],
    { stdio: 'inherit' },
  );
  return status === 0;
}

const chosen = process.argv.slice(2);
const major = Number(process.versions.node.split('.')[0]);
if (major < 22) throw new Error(`Node ${process.version} is too old for the tests; run them with \`npm test\``);
buildPackage();
// Sandboxes of the tests stand here: their own /tmp hides that of the machine.
mkdirSync('node_modules/.cache', { recursive: true });
let good = run(process.execPath, testFiles(chosen.length > 0 ? chosen : ['test']));
if (chosen.length === 0) good = run(NODE_22, testFiles(ON_NODE_22)) && good;
process.exitCode = good ? 0 : 1;
