/**
 * `amber verify` beside `sha256sum` and `zstd -d` of the same file, in turns, in one run. Prints JSON or a table.
 *
 *     node test/bench/verify.ts [--json] [--gib N] [--rounds N] [--only NAME] [--keep FOLDER]
 *
 * A ratio of 1 means as fast as the two programs one after the other; the target is 0.8. All read the same bytes from
 * memory, and the starts of all programs count. Captures (and with --keep they stay): tiny (one file: what a start
 * costs), small (10,000 files of 4 KiB that do not compress), many (100,000 of them), noise (N GiB that do not
 * compress), tree (the files of node_modules), zeros (a sparse file of 10 GiB beside the sources).
 */
import { spawnSync } from 'node:child_process';
import {
  closeSync,
  createReadStream,
  existsSync,
  fstatSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  rmSync,
} from 'node:fs';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { Tarball } from '../../src/archive/tarball.ts';
import { resolveConfig } from '../../src/config/config.ts';
import type { Entry } from '../../src/contracts/evidence.ts';
import { commitDocument } from '../../src/seal/commit.ts';
import { openManifest } from '../../src/seal/manifest.ts';
import { passThrough } from '../../src/secrets/redactor.ts';
import { openDestination } from '../../src/ship/index.ts';
import { openOutbox } from '../../src/ship/outbox.ts';
import { manySmallFiles, workplace } from './workloads.ts';

const { values } = parseArgs({
  options: {
    json: { type: 'boolean' },
    gib: { type: 'string', default: '1' },
    rounds: { type: 'string', default: '3' },
    only: { type: 'string', multiple: true },
    keep: { type: 'string' },
  },
});
const GIB = 1024 ** 3;
const MIB = 1024 ** 2;
const ID = '01890000-0000-7000-8000-000000000000';

export interface VerifyCost {
  readonly capture: string;
  readonly storedMiB: number;
  readonly tarMiB: number;
  /** Seconds, the best of all rounds. */
  readonly verify: number;
  readonly sha256sum: number;
  readonly decompress: number;
  /** Seconds of `zstd -dc | sha256sum`: what else verify does, it hashes the content too. */
  readonly content: number;
  /** Seconds of a Node that does nothing. */
  readonly node: number;
  /**
   * (sha256sum + decompress) / verify; the same without the start of Node; and with `content` in place of `decompress`.
   */
  readonly ratio: number;
  readonly withoutNode: number;
  readonly sameWork: number;
  /** Most resident memory of verify. */
  readonly peakMiB: number;
}

function* treeEntries(path: string): Generator<Entry> {
  for (const name of readdirSync(path)) {
    const file = join(path, name);
    const stat = lstatSync(file);
    if (stat.isDirectory()) yield* treeEntries(file);
    else if (stat.isFile()) {
      const fd = openSync(file, 'r');
      yield {
        kind: 'file',
        path: `[root]${file}`,
        source: file,
        method: 'openat',
        fd,
        stat: fstatSync(fd, { bigint: true }),
      };
    }
  }
}

function stream(path: string, size: number, source: string | undefined): Entry {
  const chunks =
    source === undefined
      ? () => []
      : (): AsyncIterable<Uint8Array> =>
          createReadStream(source, { end: size - 1, highWaterMark: MIB }) as AsyncIterable<Uint8Array>;
  return { kind: 'stream', path, source: path, method: 'bench', size, chunks };
}

/** Gives the joined tarball. */
async function capture(folder: string, entries: Iterable<Entry>): Promise<{ file: string; tarBytes: number }> {
  const signal = new AbortController().signal;
  const identity = { captureId: ID, account: 'bench', region: 'bench', functionName: 'bench', date: '2025-01-01' };
  const destination = await openDestination(pathToFileURL(folder), identity, resolveConfig({}, {}));
  const outbox = openOutbox(destination, { signal, inFlight: 2, waitingBytes: Infinity, onShipped: () => undefined });
  const manifest = openManifest(ID);
  const budget = { signal, remainingMs: () => 1e9, remainingBytes: () => 2 ** 50, yieldIfDue: () => undefined };
  const tarball = new Tarball({
    compression: 'zstd',
    segmentBytes: 8 * MIB,
    segmentMs: 1e9,
    partBytes: MIB,
    startedMs: 1.7e12,
    redactor: passThrough(),
    budget,
    spend: () => undefined,
    manifest,
    onSegment: outbox.send,
  });
  for (const entry of entries) await tarball.add(entry, 'bench');
  const sealed = await tarball.close();
  await outbox.settle();
  const facts = {
    captureId: ID,
    compression: 'zstd',
    recipient: null,
    cause: { trigger: 'call', reason: 'bench' },
    identity: {},
    limits: {},
    tool: { name: 'lambda-amber', version: '0', sha256: null, node: process.version },
    cost: { cpuMs: 0, rssBefore: 0, rssAfter: 0 },
    clocks: {
      started: '2025-01-01T00:00:00.000Z',
      ended: '2025-01-01T00:00:01.000Z',
      elapsedMs: 1,
      destinationOffsetSeconds: null,
    },
  } as const;
  await destination.commit(
    commitDocument({ ...facts, ...sealed }, outbox.shipped(), manifest, (value) => value),
    signal,
  );
  destination.close();
  return {
    file: join(destination.location, 'capture.tar.zst'),
    tarBytes: outbox.shipped().reduce((sum, { segment }) => sum + segment.tarBytes, 0),
  };
}

/** Seconds of a command. */
function timed(program: string, args: readonly string[]): number {
  const started = performance.now();
  const { status, stderr } = spawnSync(program, args, { stdio: ['ignore', 'ignore', 'pipe'] });
  if (status !== 0) throw new Error(`${program} failed: ${stderr.toString()}`);
  return (performance.now() - started) / 1000;
}

const built = resolve('dist/cli/amber.js');
const amber = existsSync(built) ? built : resolve('src/cli/amber.ts');

/** VmHWM of a verify, MiB. */
function peak(folder: string): number {
  const script = `process.argv.splice(1, 0, ${JSON.stringify(amber)}); await import(process.argv[1]); process.on('exit', () => process.stderr.write(/VmHWM:\\s+(\\d+)/.exec(require('node:fs').readFileSync('/proc/self/status', 'utf8'))[1]))`;
  const { stderr } = spawnSync(
    process.execPath,
    [
      '--input-type=module',
      '-e',
      `import { createRequire } from 'node:module'; const require = createRequire('/'); ${script}`,
      'verify',
      folder,
    ],
    { encoding: 'utf8' },
  );
  return Math.round(Number(/\d+$/u.exec(stderr)?.[0]) / 1024);
}

/** Rounds, while they take less than this in all: short ones are repeated more often. */
const LEAST_SECONDS = 8;

async function measure(name: string, entries: Iterable<Entry>): Promise<VerifyCost> {
  const folder = values.keep === undefined ? mkdtempSync(join(place, 'amber-bench-')) : join(values.keep, name);
  mkdirSync(folder, { recursive: true });
  try {
    const { file, tarBytes } = await capture(folder, entries);
    const best = { verify: Infinity, sha256sum: Infinity, decompress: Infinity, content: Infinity, node: Infinity };
    const started = performance.now();
    for (
      let round = 0;
      round < Number(values.rounds) || performance.now() - started < LEAST_SECONDS * 1000;
      round += 1
    ) {
      best.sha256sum = Math.min(best.sha256sum, timed('sha256sum', [file]));
      best.decompress = Math.min(best.decompress, timed('zstd', ['-q', '-dc', file]));
      best.content = Math.min(best.content, timed('sh', ['-c', 'zstd -q -dc "$0" | sha256sum', file]));
      best.verify = Math.min(best.verify, timed(process.execPath, [amber, 'verify', folder]));
      best.node = Math.min(best.node, timed(process.execPath, ['-e', '0']));
    }
    const fd = openSync(file, 'r');
    const stored = fstatSync(fd).size;
    closeSync(fd);
    const peers = best.sha256sum + best.decompress;
    return {
      capture: name,
      storedMiB: Math.round(stored / MIB),
      tarMiB: Math.round(tarBytes / MIB),
      ...best,
      ratio: peers / best.verify,
      withoutNode: peers / (best.verify - best.node),
      sameWork: (best.sha256sum + best.content) / best.verify,
      peakMiB: peak(folder),
    };
  } finally {
    if (values.keep === undefined) rmSync(folder, { recursive: true, force: true });
  }
}

const place = workplace();
const trees = mkdtempSync(join(place, 'amber-bench-trees-'));
const CAPTURES: Readonly<Record<string, () => Iterable<Entry>>> = {
  tiny: () => [stream('one', 4096, '/dev/urandom')],
  small: () => treeEntries(manySmallFiles(trees, 10_000)),
  many: () => treeEntries(manySmallFiles(trees, 100_000)),
  noise: () => [stream('noise', Number(values.gib) * GIB, '/dev/urandom')],
  tree: () => treeEntries(resolve('node_modules')),
  zeros: () => [stream('zeros', 10 * GIB, undefined), ...treeEntries(resolve('src'))],
};
try {
  const costs: VerifyCost[] = [];
  for (const [name, entries] of Object.entries(CAPTURES)) {
    if (values.only !== undefined && !values.only.includes(name)) continue;
    const cost = await measure(name, entries());
    costs.push(cost);
    if (values.json !== true)
      process.stdout.write(
        `${JSON.stringify(cost, (_key, value: unknown) => (typeof value === 'number' ? Math.round(value * 1000) / 1000 : value))}\n`,
      );
  }
  if (values.json === true) process.stdout.write(`${JSON.stringify(costs)}\n`);
} finally {
  rmSync(trees, { recursive: true, force: true });
}
