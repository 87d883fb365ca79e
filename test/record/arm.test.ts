/** What is armed at init without the code that writes events: it must be what that code goes on from. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { closeSync, mkdtempSync, readSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { after, test } from 'node:test';
import { beginRing } from '../../src/record/begin.ts';
import { slotText } from '../../src/record/encode.ts';
import { NEWLINE, RING_BYTES, SLOT_BYTES } from '../../src/record/format.ts';
import { openRecorder } from '../../src/record/recorder.ts';

const folder = mkdtempSync(join(tmpdir(), 'amber-arm-'));
after(() => rmSync(folder, { recursive: true }));

test('the first event is the one that the encoder writes, and the recorder goes on behind it', () => {
  const identity = { language: 'node 24.0.0', pid: process.pid };
  const begun = beginRing(identity.language, [join(folder, 'absent'), folder]) ?? assert.fail('no ring');
  const event = { sequence: 1, invocation: 0, pid: process.pid, kind: 'begin', subject: identity.language } as const;
  const text = slotText({ ...event, timeMs: begun.timeMs, count: 1, detail: { ring: 1, why: 'init' } });
  const slots = Buffer.alloc(RING_BYTES);
  assert.equal(readSync(begun.place.fd, slots, 0, RING_BYTES, 0), RING_BYTES);
  assert.equal(
    slots.toString('latin1', 0, SLOT_BYTES),
    `${text.padEnd(SLOT_BYTES - 1)}${String.fromCharCode(NEWLINE)}`,
  );
  assert.ok(slots.subarray(SLOT_BYTES).every((byte) => byte === 0));
  const recorder = openRecorder(identity, () => assert.fail('another ring'), begun);
  assert.ok(recorder.put('resolve', 'example.com'));
  assert.deepEqual(
    recorder.tail.take().events.map(({ sequence, kind }) => [sequence, kind]),
    [
      [1, 'begin'],
      [2, 'resolve'],
    ],
  );
  const bytes = Buffer.from(recorder.ring()?.bytes() ?? []);
  assert.match(bytes.toString('latin1', SLOT_BYTES, 2 * SLOT_BYTES), /^\{"v":1,"n":2,.*"k":"resolve"/u);
  closeSync(begun.place.fd);
});

test('no ring is begun where the first folder that is there takes none: the recorder then says why', () => {
  const file = join(folder, 'file');
  writeFileSync(file, '');
  assert.equal(beginRing('node', [file, folder]), undefined);
  assert.equal(beginRing('node', [join(folder, 'absent')]), undefined);
});

test('every place that is taken at init is one that a hook stands on, and hooks ask for one more alone', () => {
  const script = `
    const { takePlaces } = await import(${JSON.stringify(resolve('src/record/hooks/places.ts'))});
    const { openArmed } = await import(${JSON.stringify(resolve('src/record/late.ts'))});
    const places = takePlaces(undefined, () => undefined);
    const taken = [...places.heard, ...places.fronted].map(({ name }) => name);
    openArmed({ level: 'events', initial: {}, identity: { language: 'test', pid: 1 }, begun: undefined, places });
    const silent = places.heard.filter(({ listener }) => listener === undefined);
    const untold = places.fronted.filter(({ told }) => told === undefined);
    const more = [...places.heard, ...places.fronted].map(({ name }) => name);
    console.log(JSON.stringify({
      unused: [...silent, ...untold].map(({ name }) => name),
      late: more.filter((name) => !taken.includes(name)),
      count: taken.length,
      hasFailed: places.hasFailed,
    }));
  `;
  const told = execFileSync(
    process.execPath,
    ['--disable-warning=ExperimentalWarning', '--input-type=module', '-e', script],
    { encoding: 'utf8' },
  );
  assert.deepEqual(JSON.parse(told), { unused: [], late: [], count: 24, hasFailed: false });
});
