/** Rings that are held beside their processes: found, copied as they grow, and held against what stands there later. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, fstatSync, ftruncateSync, mkdtempSync, readdirSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { describe, test, type TestContext } from 'node:test';
import type { RecordedEvent } from '../../../src/contracts/recorded.ts';
import { keepRings, type KeptRings } from '../../../src/record/beside/kept-rings.ts';
import { encodeSlot, type Draft } from '../../../src/record/encode.ts';
import { RING_BYTES, SLOT_BYTES, SLOTS } from '../../../src/record/format.ts';
import { makePlace } from '../../../src/record/place.ts';
import { draft } from '../events.ts';

/** A ring of this very process: its descriptor stands for that of a function. */
interface Written {
  readonly fd: number;
  readonly put: (event: Draft) => void;
  readonly fill: (from: number, to: number) => void;
}

function ringHere(t: TestContext): Written {
  const folder = mkdtempSync(join(tmpdir(), 'amber-kept-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const place = makePlace(RING_BYTES, [folder]);
  if ('refused' in place) assert.fail(place.refused);
  const { fd } = place;
  t.after(() => {
    if (isOpen(fd)) closeSync(fd);
  });
  const put = (event: Draft): void => {
    const page = Buffer.alloc(SLOT_BYTES);
    encodeSlot(page, event);
    writeSync(fd, page, 0, SLOT_BYTES, ((event.sequence - 1) % SLOTS) * SLOT_BYTES);
  };
  const fill = (from: number, to: number): void => {
    for (let sequence = from; sequence <= to; sequence += 1) put(draft({ sequence }));
  };
  return { fd, put, fill };
}

function isOpen(fd: number): boolean {
  try {
    return fstatSync(fd).size >= 0;
  } catch {
    return false;
  }
}

function kept(t: TestContext): KeptRings {
  const rings = keepRings();
  t.after(() => rings.close());
  return rings;
}

const sequences = (events: readonly RecordedEvent[]): number[] => events.map(({ sequence }) => sequence);

describe('a ring that is kept', () => {
  test('is found by its descriptor, once, and nothing else is opened', (t) => {
    const { fill } = ringHere(t);
    fill(1, 3);
    const rings = kept(t);
    const before = readdirSync('/proc/self/fd').length;
    assert.equal(rings.search([process.pid]).length, 1);
    assert.equal(readdirSync('/proc/self/fd').length, before + 1);
    assert.deepEqual(rings.search([process.pid]), []);
    assert.deepEqual(rings.all()[0]?.holders, [process.pid]);
    assert.match(rings.all()[0]?.label ?? '', / \(deleted\)$/u);
  });

  test('gives what is new at each look, over the end of the ring', (t) => {
    const { fill } = ringHere(t);
    fill(1, 3);
    const rings = kept(t);
    rings.search([process.pid]);
    assert.deepEqual(sequences(rings.read()), [1, 2, 3]);
    assert.deepEqual(rings.read(), []);
    fill(4, 500);
    assert.equal(rings.read().length, 497);
    fill(501, 530);
    assert.deepEqual([rings.read(10).length, rings.read(100).length], [10, 20]);
    assert.deepEqual(rings.all()[0]?.facts, { last: 530, missed: 0 });
    assert.equal(rings.all()[0]?.tailed().length, SLOTS);
    assert.deepEqual(rings.doubts(), []);
  });

  test('that was written faster than it was read says how many were missed', (t) => {
    const { fill } = ringHere(t);
    fill(1, 3);
    const rings = kept(t);
    rings.search([process.pid]);
    rings.read();
    fill(4, 2000);
    assert.deepEqual(
      sequences(rings.read()),
      Array.from({ length: SLOTS }, (_, at) => 2000 - SLOTS + 1 + at),
    );
    assert.deepEqual(rings.all()[0]?.facts, { last: 2000, missed: 2000 - SLOTS - 3 });
    assert.deepEqual(rings.doubts(), []);
  });

  test('stays when the function closes every descriptor', (t) => {
    const { fd, fill } = ringHere(t);
    fill(1, 7);
    const rings = kept(t);
    rings.search([process.pid]);
    closeSync(fd);
    assert.equal(rings.read().length, 7);
    assert.deepEqual(rings.doubts(), []);
  });

  test('stays when its process is killed, with what was written last', async (t) => {
    const script = `
      import { openRing } from ${JSON.stringify(resolve('src/record/ring.ts'))};
      const ring = openRing(['/tmp']);
      let sequence = 0;
      const put = (subject) => ring.write({ sequence: ++sequence, timeMs: Date.now(), invocation: 1, pid: process.pid, kind: 'connect', subject, count: 1 });
      put('first');
      console.log('ready');
      process.stdin.once('data', () => { put('last'); process.kill(process.pid, 'SIGKILL'); });`;
    const args = ['--disable-warning=ExperimentalWarning', '--input-type=module', '-e', script];
    const child = spawn(process.execPath, args, { stdio: ['pipe', 'pipe', 'inherit'] });
    await once(child.stdout, 'data');
    const rings = kept(t);
    assert.equal(rings.search([child.pid ?? 0]).length, 1);
    rings.read();
    child.stdin.write('go');
    await once(child, 'exit');
    assert.deepEqual(
      rings.read().map(({ subject }) => subject),
      ['last'],
    );
  });
});

describe('somebody who writes into a ring that is kept', () => {
  const cases: Readonly<Record<string, (ring: Written) => void>> = {
    rewrites: ({ put }) => put(draft({ sequence: 20, subject: '127.0.0.1:80' })),
    blanks: ({ fd }) => writeSync(fd, Buffer.alloc(SLOT_BYTES), 0, SLOT_BYTES, 29 * SLOT_BYTES),
    'writes anything': ({ fd }) => writeSync(fd, Buffer.alloc(SLOT_BYTES, 7), 0, SLOT_BYTES, 29 * SLOT_BYTES),
    'begins anew': ({ fd, fill }) => {
      writeSync(fd, Buffer.alloc(RING_BYTES), 0, RING_BYTES, 0);
      fill(1, 4);
    },
    truncates: ({ fd }) => ftruncateSync(fd, 10 * SLOT_BYTES),
    'truncates to nothing': ({ fd }) => ftruncateSync(fd, 0),
  };
  const expected: Readonly<Record<string, object>> = {
    rewrites: { changed: [20], erased: [] },
    blanks: { changed: [], erased: [30] },
    'writes anything': { changed: [], erased: [30] },
    'begins anew': { changed: [], erased: Array.from({ length: 36 }, (_, at) => at + 5), back: { from: 40, to: 4 } },
    truncates: {
      ...{ changed: [], erased: Array.from({ length: 30 }, (_, at) => at + 11) },
      ...{ back: { from: 40, to: 10 }, bytesMissing: RING_BYTES - 10 * SLOT_BYTES },
    },
    'truncates to nothing': {
      ...{ changed: [], erased: Array.from({ length: 40 }, (_, at) => at + 1) },
      ...{ back: { from: 40, to: 0 }, bytesMissing: RING_BYTES },
    },
  };
  for (const [what, act] of Object.entries(cases)) {
    test(`and ${what} is found by the copy, which stays whole`, (t) => {
      const ring = ringHere(t);
      ring.fill(1, 40);
      const rings = kept(t);
      rings.search([process.pid]);
      rings.read();
      act(ring);
      rings.read();
      const [doubt] = rings.doubts();
      assert.ok(doubt !== undefined);
      const { identity, holders, ...rest } = doubt;
      assert.deepEqual([identity, holders], [rings.all()[0]?.identity, [process.pid]]);
      assert.deepEqual(rest, expected[what]);
      assert.deepEqual(sequences(rings.all()[0]?.tailed() ?? []).length, 40);
    });
  }

  test('and forges a sequence far ahead moves the copy by nothing', (t) => {
    const { put, fill } = ringHere(t);
    fill(1, 40);
    const rings = kept(t);
    rings.search([process.pid]);
    rings.read();
    put(draft({ sequence: 41 + 1000 * SLOTS }));
    assert.deepEqual(rings.read(), []);
    assert.equal(rings.all()[0]?.facts.last, 40);
    fill(41, 42);
    assert.deepEqual(sequences(rings.read()), [41, 42]);
  });

  test('but a forked child that takes the same number at the same moment does not', (t) => {
    const { put, fill } = ringHere(t);
    fill(1, 40);
    const rings = kept(t);
    rings.search([process.pid]);
    rings.read();
    put(draft({ sequence: 40, pid: 99, subject: 'of the child' }));
    assert.deepEqual(rings.doubts(), []);
    put(draft({ sequence: 40, pid: 99, timeMs: draft({ sequence: 40 }).timeMs + 60_000 }));
    assert.deepEqual(rings.doubts()[0]?.changed, [40]);
  });
});

test('files without a name that are no rings are left alone, and rings beyond the limit counted', (t) => {
  const none = makePlace(RING_BYTES, ['/tmp']);
  if ('refused' in none) assert.fail(none.refused);
  t.after(() => closeSync(none.fd));
  writeSync(none.fd, 'a file of the function', 0);
  const all = Array.from({ length: 10 }, () => ringHere(t));
  for (const { fill } of all) fill(1, 2);
  const rings = kept(t);
  assert.equal(rings.search([process.pid]).length, 8);
  assert.equal(rings.left(), 2);
});
