/**
 * A function that crashes at every invocation is captured so often and no more, and whoever is in the sandbox cannot
 * forge that away.
 */
import assert from 'node:assert/strict';
import {
  existsSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test, type TestContext } from 'node:test';
import { spawnSync } from 'node:child_process';
import { openResets, PAUSE_MS, type Resets } from '../../../src/host/extension/resets.ts';
import { canIsolate } from '../../sandbox/ground.ts';
import type { Platform } from '../../sandbox/platform.ts';
import { storedCaptures } from './captures.ts';
import { openScene } from './sandbox.ts';

const NOW = Date.parse('2026-11-24T12:00:00Z');
const MINUTE = 60_000;
const BOOT = readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').trim();

function folder(t: TestContext): string {
  const made = mkdtempSync(join(tmpdir(), 'amber-resets-'));
  t.after(() => rmSync(made, { recursive: true, force: true }));
  return made;
}

const open = (tmp: string, nowMs: number, log: unknown[] = []): Resets =>
  openResets(tmp, (record) => log.push(record), nowMs);
const allowedAt = (tmp: string, nowMs: number): string => open(tmp, nowMs).allowed(3, nowMs);

describe('the record of captures after crashes', () => {
  test('three in an hour as the policy says, then an inventory in ten minutes, then as before', (t) => {
    const tmp = folder(t);
    const seen: string[] = [];
    const log: unknown[] = [];
    for (let minute = 0; minute < 75; minute += 1) {
      const nowMs = NOW + minute * MINUTE;
      const life = open(tmp, nowMs, log);
      const allowed = life.allowed(3, nowMs);
      if (allowed !== 'nothing') life.note(nowMs);
      if (allowed !== 'nothing') seen.push(`${minute} ${allowed}`);
    }
    assert.deepEqual(log, []);
    assert.deepEqual(seen, [
      '0 all',
      '1 all',
      '2 all',
      '12 inventory',
      '22 inventory',
      '32 inventory',
      '42 inventory',
      '52 inventory',
      '62 inventory',
      '72 inventory',
    ]);
    assert.equal(allowedAt(tmp, NOW + 72 * MINUTE + 59 * MINUTE), 'all');
    assert.deepEqual(readdirSync(tmp), ['.amber-resets']);
    assert.equal(statSync(join(tmp, '.amber-resets')).mode & 0o777, 0o600);
  });

  test('what is written while a life lasts counts for later lives alone', (t) => {
    const tmp = folder(t);
    const life = open(tmp, NOW);
    writeFileSync(join(tmp, '.amber-resets'), JSON.stringify({ boot: BOOT, captured: [NOW, NOW, NOW] }));
    assert.equal(life.allowed(3, NOW + MINUTE), 'all');
    assert.equal(allowedAt(tmp, NOW + MINUTE), 'nothing');
    const log: unknown[] = [];
    open(tmp, NOW, log).note(NOW + MINUTE);
    assert.deepEqual(log, []);
    // A life of more than ten minutes is captured at its end, whatever was there when it began.
    assert.equal(open(tmp, NOW + MINUTE).allowed(3, NOW + MINUTE + PAUSE_MS), 'inventory');
  });

  test('a record that somebody else has written meanwhile is kept, and one line says so', (t) => {
    for (const how of ['new', 'changed', 'a folder'] as const) {
      const tmp = folder(t);
      const path = join(tmp, '.amber-resets');
      if (how === 'changed') open(tmp, NOW).note(NOW);
      const log: unknown[] = [];
      const life = open(tmp, NOW, log);
      if (how === 'a folder') mkdirSync(path);
      else writeFileSync(path, 'forged');
      life.note(NOW + 1);
      assert.equal(log.length, 1, how);
      if (how !== 'a folder') assert.equal(readFileSync(`${path}.foreign`, 'utf8'), 'forged');
      assert.equal(open(tmp, NOW + 1).captured(NOW + 1), how === 'changed' ? 2 : 1, how);
    }
  });

  const records: Readonly<Record<string, string>> = {
    'no JSON': '{',
    null: 'null',
    'a list': '[1]',
    'of another sandbox': JSON.stringify({ boot: 'x', captured: [NOW, NOW, NOW] }),
    'from the future': JSON.stringify({ boot: BOOT, captured: [NOW + 1, NOW + 2, NOW + 3] }),
    'no times': JSON.stringify({ boot: BOOT, captured: ['x', null, {}, -1, 1.5] }),
    'of long ago': JSON.stringify({ boot: BOOT, captured: [1, 2, 3] }),
    'a byte order mark': `\ufeff${JSON.stringify({ boot: BOOT, captured: [NOW] })}`,
  };
  for (const [what, text] of Object.entries(records)) {
    test(`a record that is ${what} says nothing`, (t) => {
      const tmp = folder(t);
      writeFileSync(join(tmp, '.amber-resets'), text);
      assert.equal(open(tmp, NOW).captured(NOW), 0);
      assert.equal(allowedAt(tmp, NOW), 'all');
    });
  }

  test('what is no plain file is neither waited for, nor followed, nor written to', (t) => {
    const tmp = folder(t);
    const path = join(tmp, '.amber-resets');
    const victim = join(tmp, 'evidence');
    const forged = JSON.stringify({ boot: BOOT, captured: [NOW, NOW, NOW] });
    writeFileSync(victim, forged);
    const places: readonly (() => unknown)[] = [
      () => symlinkSync(victim, path),
      () => linkSync(victim, path),
      () => spawnSync('mkfifo', [path]),
      () => truncateSync(path, 10 * 2 ** 30),
    ];
    for (const place of places) {
      if (place === places[3]) writeFileSync(path, forged);
      place();
      const log: unknown[] = [];
      const life = open(tmp, NOW, log);
      assert.equal(life.allowed(3, NOW), 'all');
      life.note(NOW);
      assert.deepEqual(log, []);
      assert.equal(readFileSync(victim, 'utf8'), forged);
      assert.equal(open(tmp, NOW).captured(NOW), 1);
      rmSync(path);
    }
    mkdirSync(path);
    const log: unknown[] = [];
    open(tmp, NOW, log).note(NOW);
    assert.equal(log.length, 1, 'a folder in its place is one line');
    assert.deepEqual(readdirSync(tmp).sort(), ['.amber-resets', 'evidence']);
    const missing: unknown[] = [];
    open(join(tmp, 'missing'), NOW, missing).note(NOW);
    assert.equal(missing.length, 1);
  });
});

async function crash(platform: Platform): Promise<void> {
  assert.equal((await platform.invoke({ exit: 1 })).kind, 'failed');
  await platform.idle();
}

const captured = async (platform: Platform): Promise<string[]> =>
  (await storedCaptures(platform.ground.evidence)).map(({ manifest }) => manifest?.cause.trigger ?? 'cut');

describe('a sandbox that crashes again and again', {
  skip:
    canIsolate() || process.env['REQUIRE_PEERS'] === '1'
      ? false
      : 'not run: needs root, for namespaces, and a checkout outside of /tmp',
}, () => {
  test('is captured as often as AMBER_MAX_CAPTURES says, and one line says so of each crash after that', async (t) => {
    const platform = await openScene(t, { env: { AMBER_MAX_CAPTURES: '2', AMBER_ON_CRASH: 'contents' } });
    for (let time = 0; time < 5; time += 1) await crash(platform);
    assert.deepEqual(await captured(platform), ['crash', 'crash']);
    const refused = platform.logLines('refused');
    assert.deepEqual(
      refused.map(({ trigger, limit }) => [trigger, limit]),
      [
        ['crash', 'resets'],
        ['crash', 'resets'],
        ['crash', 'resets'],
      ],
    );
    assert.match(
      String(refused[0]?.['error']),
      /^2 captures after crashes of this sandbox in the last hour \(AMBER_MAX_CAPTURES\), by its own record/u,
    );
    // An orderly end is none of them.
    assert.equal((await platform.invoke({})).kind, 'response');
    await platform.idle();
    await platform.shutdown();
    assert.deepEqual(await captured(platform), ['crash', 'crash', 'shutdown']);
  });

  test('is captured the first time although a record was forged, and the forged record is kept', async (t) => {
    const platform = await openScene(t, { env: { AMBER_MAX_CAPTURES: '1', AMBER_ON_CRASH: 'contents' } });
    const text = JSON.stringify({ boot: BOOT, captured: [Date.now()] });
    assert.equal((await platform.invoke({ write: '/tmp/.amber-resets', text })).kind, 'response');
    await platform.idle();
    await crash(platform);
    const [one] = await storedCaptures(platform.ground.evidence);
    assert.equal(one?.manifest?.cause.trigger, 'crash', platform.log());
    assert.equal(one.entries.get('[root]/tmp/.amber-resets.foreign')?.toString(), text);
    assert.deepEqual(
      platform.logLines('fault').map(({ where }) => where),
      ['resets'],
    );
    await crash(platform);
    assert.equal((await captured(platform)).length, 1);
    assert.ok(existsSync(join(platform.ground.tmp, '.amber-resets')));
  });

  test('is captured with contents, whatever the record says, where a finding is open', async (t) => {
    // No capture of a finding is allowed while the sandbox lives, so it is open at the end.
    const platform = await openScene(t, { env: { AMBER_MAX_CAPTURES: '0', AMBER_DETECT: 'high,-code-changed' } });
    for (let life = 0; life < 2; life += 1) {
      assert.equal((await platform.invoke({})).kind, 'response');
      await platform.idle();
      await new Promise((resolve) => setTimeout(resolve, 1100)); // it looks once a second at most
      assert.equal((await platform.invoke({ stage: `/tmp/.x${life}` }, 15_000)).kind, 'response');
      await platform.idle();
      await crash(platform);
    }
    const captures = await storedCaptures(platform.ground.evidence);
    assert.deepEqual(
      captures.map(({ manifest }) => manifest?.cause.trigger),
      ['crash', 'crash'],
      platform.log(),
    );
    for (const [life, { manifest, entries }] of captures.entries()) {
      assert.match(manifest?.cause.reason ?? '', /; open: /u);
      assert.ok((entries.get(`[root]/tmp/.x${life}`)?.length ?? 0) > 1000);
    }
  });
});
