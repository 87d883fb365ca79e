/** What processes of the function hand over for a capture that the extension makes: nothing of it is lost without a line. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Entry, Scene } from '../../src/contracts.ts';
import { handedOver } from '../../src/host/extension-handed.ts';

const facts = (path: string): Promise<unknown> => Promise.resolve({ cost: { ms: 1 }, entries: [{ kind: 'json', path, source: 'v8', method: 'api', value: { path } }] });

function running(): { handed: Promise<unknown>[]; isSealed: boolean } {
  return { handed: [], isSealed: false };
}

async function collect(collector: ReturnType<typeof handedOver>[number] | undefined): Promise<Entry[]> {
  const entries: Entry[] = [];
  for await (const entry of collector?.collect({} as Scene) ?? []) entries.push(entry);
  return entries;
}

const pathsOf = (entries: readonly Entry[]): string[] => entries.map(({ path }) => path);

test('what comes while the capture is under way is stored at its end', async () => {
  const one = running();
  const [early, late] = handedOver(one);
  one.handed.push(facts('live_response/runtime.json'));
  assert.deepEqual(pathsOf(await collect(early)), ['live_response/runtime.json', 'live_response/handed-over.json']);
  assert.equal(one.isSealed, false);
  one.handed.push(facts('live_response/scripts.json'));
  assert.deepEqual(pathsOf(await collect(late)), ['live_response/scripts.json', 'live_response/handed-over-1.json']);
  assert.equal(one.isSealed, true);
});

test('nothing stored is replaced, and no name but those of facts is taken', async () => {
  const one = running();
  const [early, late] = handedOver(one);
  one.handed.push(facts('live_response/runtime.json'));
  await collect(early);
  for (const path of ['live_response/runtime.json', 'live_response/processes.json', 'live_response/handed-over.json', 'manifest/0000.jsonl']) one.handed.push(facts(path));
  const entries = await collect(late);
  assert.deepEqual(pathsOf(entries), ['live_response/runtime-1.json', 'live_response/handed-over-1.json', 'live_response/handed-over-2.json', 'live_response/handed-over-3.json', 'live_response/handed-over-4.json']);
  const last = entries.at(-1);
  assert.ok(last?.kind === 'absent' && last.outcome === 'skipped' && last.reason.startsWith('1 more'));
});

test('who says nothing that can be read is told of', async () => {
  const one = running();
  one.handed.push(Promise.resolve(undefined));
  const [entry] = await collect(handedOver(one)[0]);
  assert.ok(entry?.kind === 'absent' && entry.outcome === 'timed-out');
});
