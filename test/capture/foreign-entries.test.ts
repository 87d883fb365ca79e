/** What a user's collector may yield: nothing that it yields takes the rest of the capture away. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { fstatSync, globSync, mkdtempSync, openSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { runCapture } from '../../src/capture/capture.ts';
import { resolveConfig } from '../../src/config/config.ts';
import type { CaptureReport, Collector, ManifestItem } from '../../src/contracts/evidence.ts';
import { requirePeer } from '../peers.ts';

const home = mkdtempSync(join(tmpdir(), 'amber-foreign-'));
after(() => {
  rmSync(home, { recursive: true, force: true });
});

const OFF = [
  'runtime',
  'procfs',
  'memory',
  'descriptors',
  'system',
  'systeminformation',
  'code',
  'executables',
  'writable',
  'recovered',
  'served',
  'timeline',
  'inventory',
  'environment',
  'scripts',
  'sockets',
  'findings',
].map((name) => `-${name}`);
const BASE = { source: 'orders', method: 'api' };
const GOOD = { ...BASE, kind: 'json', path: 'mine/good.json', value: { a: 1 } };

interface Result {
  readonly report: CaptureReport;
  readonly items: readonly ManifestItem[];
}

async function captured(collect: () => unknown, maxMs = 20_000): Promise<Result> {
  const evidence = mkdtempSync(join(home, 'evidence-'));
  const mine = { name: 'mine', description: 'of a test', tier: 'volatile', collect } as Collector;
  const next: Collector = {
    name: 'next',
    description: 'of a test',
    tier: 'code',
    *collect() {
      yield { ...BASE, kind: 'json', path: 'next.json', value: 1 };
    },
  };
  const config = resolveConfig(
    { destination: pathToFileURL(evidence).href, collect: OFF, collectors: [mine, next], maxMs },
    {},
  );
  const report = await runCapture({
    cause: { trigger: 'call', reason: 'test' },
    config,
    invocation: undefined,
    inProcess: true,
    hardStopMs: Date.now() + 20_000,
  });
  const [tarball = ''] = globSync(`${evidence}/**/capture.tar.zst`);
  const text = execFileSync('tar', ['--zstd', '-xOf', tarball, '--wildcards', 'manifest/*.jsonl']).toString();
  const items = text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as ManifestItem)
    .filter((item) => 'outcome' in item);
  execFileSync('sh', ['-c', 'cat "$1" | zstd -dq | tar -t > /dev/null', 'sh', tarball]);
  assert.ok(readFileSync(tarball).length > 0);
  return { report, items };
}

function outcomes({ items }: Result, path: string): readonly string[] {
  return items.filter((item) => item.path === path).map(({ outcome }) => outcome);
}

const throwing = Object.defineProperty({ ...GOOD }, 'path', {
  enumerable: true,
  get: () => {
    throw new RangeError('no path today');
  },
});

/** Each with words of the reason. */
const UNUSABLE: readonly (readonly [name: string, value: unknown, reason: RegExp])[] = [
  ['null', null, /the entry is null; expected an object/u],
  ['undefined', undefined, /the entry is undefined/u],
  ['a text', 'mine/good.json', /the entry is "mine\/good.json"/u],
  ['the word of an end', 'done', /the entry is "done"/u],
  ['no path', { ...BASE, kind: 'json', value: 1 }, /path is undefined; expected a text/u],
  ['no kind', { ...BASE, path: 'x' }, /kind is undefined; expected one of json/u],
  ['another kind', { ...GOOD, kind: 'text' }, /kind is "text"; expected one of json/u],
  ['an empty path', { ...GOOD, path: '' }, /path is ""; expected a path that ends/u],
  ['a folder as path', { ...GOOD, path: 'mine/' }, /path is "mine\/"/u],
  ['a dot as path', { ...GOOD, path: '.' }, /path is "."/u],
  ['a newline', { ...GOOD, path: 'a\nb' }, /path is "a\\nb"; expected a path without newline and NUL/u],
  ['a NUL', { ...GOOD, path: 'a\0b' }, /path is "a\\u0000b"; expected a text without NUL/u],
  ['a long path', { ...GOOD, path: 'a'.repeat(5000) }, /at most 4096 bytes/u],
  ['a member that throws', throwing, /no path today/u],
  [
    'a revoked proxy',
    (() => {
      const { proxy, revoke } = Proxy.revocable({}, {});
      revoke();
      return proxy;
    })(),
    /revoked/u,
  ],
  ['a promise', Promise.resolve(GOOD), /the entry is a promise/u],
  ['a source that is a number', { ...GOOD, source: 7 }, /source is 7/u],
  ['an outcome of its own', { ...GOOD, outcome: 'fine' }, /outcome is "fine"/u],
  [
    'a body that is a text',
    { ...BASE, kind: 'bytes', path: 'x', body: 'x', redaction: 'text' },
    /body is "x"; expected a Uint8Array/u,
  ],
  [
    'a redaction of its own',
    { ...BASE, kind: 'bytes', path: 'x', body: Buffer.from('x'), redaction: 'none' },
    /redaction is "none"/u,
  ],
  ['rows that are none', { ...BASE, kind: 'jsonl', path: 'x', rows: {} }, /rows is an object; expected an array/u],
  ['a size that is none', { ...BASE, kind: 'stream', path: 'x', size: -1, chunks: () => [] }, /size is -1/u],
  [
    'chunks that are no function',
    { ...BASE, kind: 'stream', path: 'x', size: 1, chunks: [] },
    /chunks is an array; expected a function/u,
  ],
  ['a stat of numbers', { ...BASE, kind: 'directory', path: 'x', stat: statSync('.') }, /expected a bigint/u],
  [
    'a descriptor that is closed',
    { ...BASE, kind: 'file', path: 'x', fd: 99_999, stat: statSync('.', { bigint: true }) },
    /EBADF/u,
  ],
  [
    'the standard output',
    { ...BASE, kind: 'file', path: 'x', fd: 1, stat: statSync('.', { bigint: true }) },
    /fd is 1; expected an open descriptor above 2/u,
  ],
  ['a link to nothing', { ...BASE, kind: 'link', path: 'x' }, /target is undefined/u],
  ['absent without a reason', { ...BASE, kind: 'absent', path: 'x', outcome: 'missing' }, /reason is undefined/u],
];

describe("an entry of a user's collector that is not usable", () => {
  for (const [name, value, reason] of UNUSABLE) {
    test(`${name}: one line, and everything else is stored`, async (t) => {
      if (!requirePeer(t, 'tar', 'zstd')) return;
      const result = await captured(function* () {
        yield value;
        yield GOOD;
      });
      assert.equal(result.report.state, 'whole', result.report.error?.message);
      const [line, ...more] = result.items.filter((item) => item.collector === 'mine' && item.outcome !== 'collected');
      assert.deepEqual([line?.path, line?.outcome, more], ['collector/mine', 'failed', []]);
      assert.match(line?.reason ?? '', /^1 of 2 entries are not usable and left out; entry 1: /u);
      assert.match(line?.reason ?? '', reason);
      assert.deepEqual(
        [outcomes(result, 'mine/good.json'), outcomes(result, 'next.json')],
        [['collected'], ['collected']],
      );
    });
  }

  test('a flood of them is one line, in a generator with promises too', async (t) => {
    if (!requirePeer(t, 'tar', 'zstd')) return;
    const result = await captured(async function* () {
      await sleep(1);
      for (let at = 0; at < 5000; at += 1) yield at % 2 === 0 ? null : { kind: 'json' };
      throw new Error('at last');
    });
    const lines = result.items.filter((item) => item.collector === 'mine').map(({ reason }) => reason ?? '');
    assert.equal(lines.length, 2);
    assert.match(lines[0] ?? '', /^5000 of 5000 entries .* entry 1: AmberError: the entry is null/u);
    assert.match(lines[1] ?? '', /after 5000 items: Error: at last/u);
  });
});

test('what a usable entry does later: members of a value, notes and chunks that fail are lines', async (t) => {
  if (!requirePeer(t, 'tar', 'zstd')) return;
  const evil = Object.defineProperty({}, 'key', {
    enumerable: true,
    get: () => {
      throw new RangeError('not now');
    },
  });
  const result = await captured(function* () {
    yield { ...GOOD, path: 'evil.json', value: evil };
    yield {
      ...GOOD,
      path: 'notes.json',
      notes: () => {
        throw new RangeError('no notes');
      },
    };
    yield { ...BASE, kind: 'stream', path: 'texts', size: 4, chunks: () => ['text'] };
    yield { ...BASE, kind: 'stream', path: 'wide', size: 4, chunks: () => [new Uint16Array(4)] };
    yield { ...GOOD, path: '記録.json' };
    yield GOOD;
  });
  assert.equal(result.report.state, 'whole', result.report.error?.message);
  assert.deepEqual(
    ['evil.json', 'notes.json', 'texts', 'wide', '記録.json', 'mine/good.json', 'next.json'].map((path) =>
      outcomes(result, path).join(),
    ),
    ['failed', 'collected', 'failed', 'failed', 'collected', 'collected', 'collected'],
  );
});

test('a promise that fails is no unhandled rejection', async (t) => {
  if (!requirePeer(t, 'tar', 'zstd')) return;
  const result = await captured(() => [Promise.reject(new RangeError('nobody waits')), GOOD]);
  assert.deepEqual([result.report.state, outcomes(result, 'mine/good.json')], ['whole', ['collected']]);
});

test('chunks that never come do not outlive the budget', async (t) => {
  if (!requirePeer(t, 'tar', 'zstd')) return;
  const result = await captured(
    () => [
      {
        ...BASE,
        kind: 'stream',
        path: 'late',
        size: 4,
        chunks: async function* () {
          await new Promise(() => undefined);
        },
      },
    ],
    6000,
  );
  assert.equal(result.report.state, 'whole', result.report.error?.message);
  assert.match(result.items.find(({ path }) => path === 'late')?.reason ?? '', /time budget/u);
});

test('a file is stored by what its descriptor says, and a descriptor of a refused entry is closed', async (t) => {
  if (!requirePeer(t, 'tar', 'zstd')) return;
  const fds = [openSync(import.meta.filename, 'r'), openSync(import.meta.filename, 'r')];
  const result = await captured(() => [
    { ...BASE, kind: 'file', path: 'self.ts', fd: fds[0] },
    { ...BASE, kind: 'file', path: '', fd: fds[1] },
  ]);
  const stored = result.items.find(({ path }) => path === 'self.ts');
  assert.deepEqual([stored?.outcome, stored?.size], ['collected', statSync(import.meta.filename).size]);
  for (const fd of fds) assert.throws(() => fstatSync(fd), { code: 'EBADF' });
});
