/** Children by the pid cursor: what each is started with, what it turns into, and how many came that nobody saw. */
import assert from 'node:assert/strict';
import { describe, test, type TestContext } from 'node:test';
import { Worker } from 'node:worker_threads';
import type { ObservedEvent } from '../../../src/contracts/recorded.ts';
import { followPids, type Children } from '../../../src/record/beside/children.ts';
import { openJournal } from '../../../src/record/beside/journal.ts';
import { openShell, until, type Shell } from './shell.ts';

interface Scene {
  readonly shell: Shell;
  readonly children: Children;
  /** Events of the shell's own children: this machine has others. */
  readonly events: () => readonly ObservedEvent[];
}

async function scene(t: TestContext): Promise<Scene> {
  const shell = openShell(t);
  await shell.say(':');
  const journal = openJournal();
  const children = followPids(journal);
  t.after(() => children.close());
  children.runtimes([shell.pid]);
  return { shell, children, events: () => journal.all().filter(({ pid }) => pid === shell.pid) };
}

const has =
  ({ events, children }: Scene, kind: string, word: string) =>
  (): boolean => {
    children.look();
    return events().some((one) => one.kind === kind && one.argv?.includes(word) === true);
  };

describe('a child', () => {
  test('is told with program, arguments, descriptors and parent', async (t) => {
    const one = await scene(t);
    await one.shell.say('/bin/sleep 0.5 0.123 </dev/null | cat >/dev/null &');
    await until(has(one, 'spawn', '0.123'));
    const event = one.events().find(({ argv }) => argv?.includes('0.123'));
    assert.match(event?.subject ?? '', /\/sleep$|\/coreutils$/u);
    assert.deepEqual(event?.argv?.slice(1), ['0.5', '0.123']);
    assert.deepEqual(event.lineage?.stdio?.slice(0, 2), ['/dev/null', 'pipe']);
    assert.match(String(event.detail?.['parent']), /bash$/u);
    assert.equal(event.observer, 'extension');
  });

  test('that turns into another program is told again', async (t) => {
    const one = await scene(t);
    await one.shell.say(`/bin/sh -c 'read x </proc/self/stat; sleep 0.2; exec sleep 0.777' &`);
    await until(has(one, 'spawn', '-c'));
    await until(has(one, 'execve', '0.777'));
    const kinds = one.events().map(({ kind }) => kind);
    assert.deepEqual(kinds, ['spawn', 'execve'], JSON.stringify(one.events()));
  });

  test('that is a copy of its parent is a fork', async (t) => {
    const one = await scene(t);
    await one.shell.say('{ read -t 0.3 x; } < <(sleep 1) &');
    await until(() => {
      one.children.look();
      return one.events().some(({ kind }) => kind === 'fork');
    });
  });

  test('has arguments of any bytes', async (t) => {
    const one = await scene(t);
    await one.shell.say("/bin/sleep 0.4 0.$'\\n' 0.$'\\xff\\xfe' & /bin/sh -c 'sleep 0.4' $'a\\nb' $'\\xff\\xfe' &");
    await until(has(one, 'spawn', 'a\nb'));
    const event = one.events().find(({ argv }) => argv?.includes('a\nb'));
    assert.equal(event?.argv?.at(-1), '\udcff\udcfe');
  });
});

test('pids that were used and are gone are counted, with what the runtime has waited for', async (t) => {
  const { shell, children, events } = await scene(t);
  children.look();
  await shell.say('for i in 1 2 3 4 5 6 7 8; do /bin/true; done');
  children.look();
  const event = events().find(({ kind }) => kind === 'unseen');
  assert.ok(Number(event?.detail?.['pids']) >= 8, JSON.stringify(events()));
  assert.ok(Number(event?.detail?.['cminflt']) > 0);
  assert.ok((children.facts()['unseen'] ?? 0) >= 8);
});

test('more children than one look takes are counted', async (t) => {
  const { shell, children } = await scene(t);
  children.look();
  await shell.say('for i in {1..300}; do /bin/true; done');
  children.look();
  assert.ok((children.facts()['unseen'] ?? 0) >= 300);
});

test('threads are no children', async (t) => {
  const { children } = await scene(t);
  children.look();
  const before = children.facts()['threads'] ?? 0;
  const worker = new Worker('setTimeout(() => 0, 300)', { eval: true });
  await new Promise((done) => worker.once('online', done));
  children.look();
  assert.ok((children.facts()['threads'] ?? 0) > before);
  await worker.terminate();
});

test('a flood of one kind pushes out its own oldest alone', () => {
  const journal = openJournal();
  journal.put('connect', '203.0.113.7:443', { pid: 9 });
  for (let number = 0; number < 1000; number += 1)
    journal.put('spawn', '/bin/x', { pid: 9, argv: Array.from({ length: 100 }, () => 'n'.repeat(100)) });
  assert.equal(journal.all().length, 97);
  assert.equal(journal.left().spawn, 904);
  const last = journal.all().at(-1);
  assert.equal(last?.cut, 100 * 100 + '/bin/x'.length - 1024);
  assert.ok(JSON.stringify(last).length < 1600);
});
