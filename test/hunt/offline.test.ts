import assert from 'node:assert/strict';
import { describe, it, test } from 'node:test';
import type { HuntFinding } from '../../src/hunt/contracts.ts';
import { HUNTS } from '../../src/hunt/index.ts';
import { OfflineHunt } from '../../src/hunt/offline.ts';
import { at, JSON_LOGS, LOGS } from './logs.ts';
import type { LogEvent } from '../../src/contracts/log-event.ts';

function hunt(ids: readonly string[], events: readonly LogEvent[], context = 2): HuntFinding[] {
  const hunter = new OfflineHunt({ hunts: HUNTS.filter(({ id }) => ids.includes(id)), context });
  return [...events.flatMap((event) => hunter.see(event)), ...hunter.end()];
}

describe('each hunt finds what it is for, and not what only looks like it', () => {
  it('there are twenty, with ids of their own, and each has its two logs', () => {
    assert.equal(HUNTS.length, 20);
    assert.deepEqual(HUNTS.map(({ id }) => id).sort(), Object.keys(LOGS).sort());
  });
  for (const { id } of HUNTS) {
    it(`${id}: a log that has it`, () => {
      const findings = hunt([id], LOGS[id]?.has ?? []);
      assert.ok(findings.length >= 1, 'no finding');
      assert.ok(findings.length <= 2, JSON.stringify(findings, null, 1));
      for (const finding of findings) {
        assert.equal(finding.hunt, id);
        assert.match(finding.technique, /^T\d{4}(?:\.\d{3})?$/u);
        assert.notEqual(finding.detail, '');
      }
    });
    it(`${id}: one that only looks like it`, () => {
      assert.deepEqual(hunt([id], LOGS[id]?.resembles ?? []), []);
    });
  }
  for (const [id, events] of Object.entries(JSON_LOGS)) {
    it(`${id}: in the JSON log format`, () => {
      assert.equal(hunt([id], events).length, 1);
    });
  }
});

test('all harmless logs together give no hit of any hunt that looks at single lines', () => {
  const lines = [
    'runtime-killed',
    'shell-errors',
    'download-chatter',
    'miner-output',
    'encoded-blobs',
    'secrets-printed',
    'injection-payloads',
    'sandbox-aware',
    'read-only-writes',
    'loader-abuse',
    'scanner-agents',
  ];
  assert.deepEqual(
    hunt(
      lines,
      lines.flatMap((id) => LOGS[id]?.resembles ?? []),
    ),
    [],
  );
});

test('a hit has the lines of its own stream around it, also at the end of the stream', () => {
  const events = [
    at(0, 'one before', 'a'),
    at(1, 'another stream', 'b'),
    at(2, 'two before', 'a'),
    at(3, 'sh: 1: wget: not found', 'a'),
    at(4, 'more of another', 'b'),
    at(5, 'one after', 'a'),
    at(6, 'two after', 'a'),
    at(7, 'three after', 'a'),
    at(8, 'bash: line 3: nmap: command not found', 'b'),
  ];
  const [first, second] = hunt(['shell-errors'], events);
  assert.deepEqual(
    [first?.before, first?.after],
    [
      ['one before', 'two before'],
      ['one after', 'two after'],
    ],
  );
  assert.deepEqual([second?.before, second?.after], [['another stream', 'more of another'], []]);
  assert.equal(first?.time, '2025-06-30T09:00:00.003Z');
  assert.equal(first.source, 'offline');
});

test('a flood of hits is counted, not kept', () => {
  const findings = hunt(
    ['miner-output'],
    Array.from({ length: 5000 }, (_, index) => at(index, `xmrig ${index}`)),
    0,
  );
  assert.equal(findings.length, 1001);
  assert.equal(findings.at(-1)?.detail, 'and 4000 more');
});

test('the patterns that go to Logs Insights have nothing that it does not know', () => {
  for (const { id, query } of HUNTS) {
    assert.ok(!/\(\?[=!<](?![a-z]+>)/u.test(query.replaceAll(/\(\?<[a-z]+>/gu, '(')), `${id}: look-around`);
    assert.match(query, /^(?:fields|filter|stats) /u);
    assert.ok(query.length <= 10_000, 'the longest query string (API_StartQuery)');
    if (!query.includes('pattern @message')) assert.match(query, /limit \d+$|drop|p50$|sort/u);
  }
});

test('hostile lines do not hold the hunts', () => {
  const started = performance.now();
  hunt(
    HUNTS.map(({ id }) => id),
    [
      'a'.repeat(1_000_000),
      '../'.repeat(300_000),
      '; '.repeat(500_000),
      `"${'\\"'.repeat(400_000)}`,
      '{"type":"platform.'.repeat(50_000),
      `sh: ${'x:'.repeat(400_000)}`,
      `nohup ${'a '.repeat(400_000)}`,
      `nc ${'-a '.repeat(300_000)}`,
    ].map((message, index) => at(index, message)),
  );
  assert.ok(performance.now() - started < 10_000, `${performance.now() - started} ms`);
});
