import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { requirePeer } from '../../peers.ts';
import { freshTree } from './trees.ts';
import { assertSound, captureWhole, costOf, PEERS, type Whole } from './whole.ts';

const LIMIT = { timeout: 120_000 };

interface Row {
  readonly pid: number;
  readonly ppid: number;
  readonly comm: string;
  readonly argv: readonly string[];
}

async function captureBeside(...beside: readonly string[]): Promise<Whole> {
  const tree = freshTree();
  try {
    return await captureWhole({ writable: [tree.path], beside });
  } finally {
    tree.remove();
  }
}

const rowsOf = (whole: Whole): readonly Row[] =>
  (JSON.parse(whole.text('live_response/processes.json')) as { processes: readonly Row[] }).processes;

describe('a whole capture beside hostile processes', () => {
  it(
    'shows processes whose names and arguments have newlines, parentheses, escapes and odd bytes',
    LIMIT,
    async (t) => {
      if (!requirePeer(t, ...PEERS)) return;
      const whole = await captureBeside('titles');
      t.diagnostic(costOf(whole));
      assertSound(whole, 64);
      const rows = rowsOf(whole);
      for (const name of [') R 1 1 (', 'two\nlines', ' ', 'x) S 0 0', '(sd-pam)'])
        assert.ok(
          rows.some(({ comm }) => comm === name),
          JSON.stringify([name, rows.map(({ comm }) => comm)]),
        );
      const odd = rows.find(({ argv }) => argv[0] === '[kworker/0:1]');
      assert.ok(odd, JSON.stringify(rows.map(({ argv }) => argv[0])));
      assert.deepEqual(odd.argv.slice(3, 5), ['new\nline', '\x1b[31mred\x1b[0m']);
      assert.deepEqual(rows.find(({ argv }) => argv[0] === '\n')?.argv.at(-1), 'pid 1\ncomm init');
      assert.equal(new Set(rows.map(({ pid }) => pid)).size, rows.length, 'no row is forged by a name');
      for (const { pid, ppid } of rows)
        assert.ok(ppid === 0 || rows.some((row) => row.pid === ppid) || pid === 1, `the parent of ${pid} is ${ppid}`);
    },
  );

  it('ends in order while process ids vanish and are used again', LIMIT, async (t) => {
    if (!requirePeer(t, ...PEERS)) return;
    const whole = await captureBeside('churn');
    t.diagnostic(costOf(whole));
    assertSound(whole, 64);
    const { outcomes } = whole.report;
    assert.ok(rowsOf(whole).length >= 3);
    assert.ok(Object.values(outcomes).reduce((sum, count) => sum + count, 0) > 100);
  });

  it('lists 10,000 sockets with their owners', LIMIT, async (t) => {
    if (!requirePeer(t, ...PEERS)) return;
    const whole = await captureBeside('sockets');
    t.diagnostic(costOf(whole));
    assertSound(whole, 96);
    const { inet, unix } = JSON.parse(whole.text('live_response/sockets.json')) as Record<
      'inet' | 'unix',
      readonly { owners: readonly unknown[]; path?: string; protocol: string }[]
    >;
    const owned = [...inet, ...unix].filter(({ owners }) => owners.length > 0);
    assert.ok(owned.length >= 10_000, `${owned.length} of ${inet.length + unix.length} have an owner`);
    assert.equal(unix.filter(({ path }) => /^@abstract\n\d+ \(deleted\)$/u.test(path ?? '')).length, 3334);
    assert.ok(whole.holds.turns > 50, `${whole.holds.turns} turns of the event loop`);
  });

  it('redacts 6,000 passwords of one process, giving the main thread back between them', LIMIT, async (t) => {
    if (!requirePeer(t, ...PEERS)) return;
    const whole = await captureBeside('variables');
    t.diagnostic(costOf(whole));
    assertSound(whole, 96);
    const { processes } = JSON.parse(whole.text('live_response/environment.json')) as {
      processes: readonly { variables?: Record<string, string> }[];
    };
    const shown = processes
      .flatMap(({ variables = {} }) => Object.entries(variables))
      .filter(([name]) => name.startsWith('PASSWORD_'));
    assert.equal(shown.length, 6000);
    for (const [name, value] of shown) assert.match(value, /^<redacted:[0-9a-f]{16}>$/u, name);
    assert.ok(whole.holds.turns > 50, `${whole.holds.turns} turns of the event loop`);
  });
});
