/**
 * Everything that runs while nothing is captured, and two collectors that take paths from others: node look-child.ts
 * JOB.json, with folder in the job, below which tree/served is a mount of a silent server. Prints what it saw.
 */
import { readFileSync, symlinkSync } from 'node:fs';
import vm from 'node:vm';
import { scripts } from '../../../src/collect/scripts.ts';
import { system } from '../../../src/collect/system.ts';
import type { Entry, Roots } from '../../../src/contracts/evidence.ts';
import { openScanner } from '../../../src/detect/scan.ts';
import { openProbe } from '../../../src/host/monitor/probe.ts';
import { contextOf } from '../../collect/volatile.ts';

const LOOKS = 2;
const ASKS = 8;

export interface Looked {
  /** What the looks of function and extension left out, in words. */
  readonly left: readonly string[];
  readonly files: readonly string[];
  readonly stats: Readonly<Record<string, string>>;
  readonly nameservers: readonly string[];
  /** Paths of entries of the collectors, with their outcome. */
  readonly entries: readonly (readonly [path: string, outcome: string | undefined])[];
  readonly origins: readonly string[];
}

const { folder } = JSON.parse(readFileSync(process.argv[2] ?? '', 'utf8')) as { folder: string };
const tree = `${folder}/tree`;
const served = `${tree}/served`;
symlinkSync(served, `${folder}/link`);
symlinkSync(served, `${folder}/other`);
symlinkSync(`${served}/x (deleted)`, `${tree}/to-file`);
const roots: Roots = {
  proc: '/proc',
  etc: served,
  writable: [tree, served, `${folder}/link`],
  code: [served, `${served}/opt`, `${folder}/link/opt`],
};
Object.assign(process.env, { LAMBDA_TASK_ROOT: `${folder}/link`, _HANDLER: 'index.handler' });

const probe = openProbe([tree, served, `${folder}/link`], () => 0);
for (let asked = 0; asked < ASKS; asked += 1) probe.moved('all');

const left: string[] = [];
const files: string[] = [];
const stats: Record<string, string> = {};
const nameservers: string[] = [];
for (const by of ['process', 'extension'] as const) {
  const scanner = openScanner({ by, roots });
  for (let number = 1; number <= LOOKS; number += 1) {
    const observation = await scanner.scan({ number, startedMs: Date.now() });
    left.push(...observation.notInspected);
    files.push(...observation.files.map(({ path }) => path));
    nameservers.push(...observation.nameservers);
    Object.assign(stats, observation.code.stats);
  }
}

const names = [
  `${served}/x (deleted)`,
  `file://${served}/implant`,
  `${folder}/other/implant`,
  `/proc/self/root${served}/implant`,
];
// Kept: V8 forgets a script that nothing holds.
const held: unknown[] = names.map(
  (filename, index) => vm.runInThisContext(`(() => ${index})`, { filename }) as unknown,
);
const context = contextOf('/proc', { roots });
const entries: Entry[] = [];
for (const collector of [scripts, system]) for await (const entry of collector.collect(context)) entries.push(entry);
const rows = entries.flatMap((entry) => (entry.kind === 'jsonl' ? [...entry.rows] : [])) as {
  url: string;
  origin: string;
}[];
// The inspector makes URLs of paths.
const plain = (name: string): string => decodeURIComponent(name).replace('file://', '');
const looked: Looked = {
  left,
  files,
  stats,
  nameservers,
  entries: entries.map((entry) => [entry.path, 'outcome' in entry ? entry.outcome : undefined]),
  origins: names.slice(0, held.length).map((name) => rows.find(({ url }) => plain(url) === plain(name))?.origin ?? ''),
};
process.stdout.write(`\n${JSON.stringify(looked)}\n`);
