/** The file in which a ring lies: without a name, never in the function's way, and what is said where there is none. */
import assert from 'node:assert/strict';
import {
  closeSync,
  constants,
  fstatSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  readdirSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { decodeRing } from '../../src/record/decode.ts';
import { RING_BYTES, SLOTS } from '../../src/record/format.ts';
import { makePlace, tmpfileFlag, type Place } from '../../src/record/place.ts';
import { openRecorder } from '../../src/record/recorder.ts';
import { openRing, type Ring } from '../../src/record/ring.ts';
import { draft } from './events.ts';

const folder = mkdtempSync(join(tmpdir(), 'amber-ring-'));
after(() => rmSync(folder, { recursive: true }));

function placeOf({ place }: Ring): Place {
  if ('refused' in place) assert.fail(place.refused);
  return place;
}

describe('the file of a ring', () => {
  test('has no name, belongs to its owner alone, and has the blocks of its first events from the beginning', () => {
    const ring = openRing([folder]);
    const { fd } = placeOf(ring);
    const { nlink, mode, size, blocks } = fstatSync(fd);
    assert.deepEqual([nlink, mode & 0o777, size, readdirSync(folder)], [0, 0o600, RING_BYTES, []]);
    assert.ok(blocks * 512 >= RING_BYTES / 4, `${blocks} blocks`);
    assert.match(readlinkSync(`/proc/self/fd/${fd}`), / \(deleted\)$/u);
    closeSync(fd);
  });

  test('is made by O_EXCL and loses its name at once where O_TMPFILE is refused', () => {
    const place = makePlace(RING_BYTES, [folder], constants.O_DIRECTORY);
    if ('refused' in place) assert.fail(place.refused);
    assert.deepEqual([fstatSync(place.fd).nlink, readdirSync(folder)], [0, []]);
    closeSync(place.fd);
  });

  test('lies in the next folder where the first is absent, and nowhere where none takes it', () => {
    const next = openRing([join(folder, 'absent'), folder]);
    assert.equal(placeOf(next).folder, folder);
    closeSync(placeOf(next).fd);
    writeFileSync(join(folder, 'file'), '');
    const none = openRing([join(folder, 'absent'), join(folder, 'file')]);
    assert.match('refused' in none.place ? none.place.refused : '', /absent: ENOENT.*file: ENOTDIR/u);
    assert.equal(none.write(draft()), 'written');
    assert.deepEqual(decodeRing(none.bytes()).events, [draft()], 'in memory');
  });

  test('O_TMPFILE has the bits of the machine', () => {
    // include/uapi/asm-generic/fcntl.h and arch/arm64/include/uapi/asm/fcntl.h of Linux
    assert.equal(tmpfileFlag('x64', undefined), 0o20_200_000);
    assert.equal(tmpfileFlag('arm64', undefined), 0o20_040_000);
    assert.equal(tmpfileFlag(process.arch), 0o20_000_000 | constants.O_DIRECTORY);
  });

  test('holds the last events, each in its slot', () => {
    const ring = openRing([folder]);
    for (let sequence = 1; sequence <= SLOTS + 40; sequence += 1) ring.write(draft({ sequence }));
    const { events, overwritten, faults, missing } = decodeRing(ring.bytes());
    assert.deepEqual([events.length, events[0]?.sequence, overwritten, faults, missing], [SLOTS, 41, 40, [], []]);
    closeSync(placeOf(ring).fd);
  });
});

describe('a function that closes every descriptor', () => {
  test('never finds our bytes in its next file', () => {
    const mine = join(folder, 'of-the-function');
    const recorder = openRecorder({ language: 'test', pid: process.pid }, () => openRing([folder]));
    for (let round = 0; round < 6; round += 1) {
      const ring = recorder.ring();
      if (ring === undefined) break;
      const { fd } = placeOf(ring);
      closeSync(fd);
      const opened = [openSync(mine, 'w+')];
      while (opened.at(-1) !== fd && opened.length < 50) opened.push(openSync(mine, 'w+'));
      assert.equal(opened.at(-1), fd, 'the number is given anew');
      recorder.put('connect', `203.0.113.${round}:443`);
      assert.equal(readFileSync(mine, 'latin1'), '');
      for (const one of opened) closeSync(one);
      rmSync(mine);
    }
    const { rings, unwritten } = recorder.facts();
    assert.deepEqual([rings, unwritten], [4, 1], 'rings are made anew, and not for ever');
    assert.equal(recorder.ring(), undefined);
  });

  test('gets a new ring that says so, and the event in it', () => {
    const recorder = openRecorder({ language: 'test', pid: process.pid }, () => openRing([folder]));
    const first = recorder.ring();
    if (first === undefined) assert.fail();
    closeSync(placeOf(first).fd);
    recorder.put('connect', '203.0.113.1:443');
    const ring = recorder.ring();
    if (ring === undefined) assert.fail();
    const { events } = decodeRing(ring.bytes());
    assert.deepEqual(
      events.map(({ sequence, kind, detail }) => [sequence, kind, detail?.['why']]),
      [
        [1, 'begin', 'taken away'],
        [2, 'connect', undefined],
      ],
    );
    closeSync(placeOf(ring).fd);
  });
});

test('a folder that is full leaves the ring in memory, and says so', { skip: process.getuid?.() !== 0 }, async () => {
  const { spawnSync } = await import('node:child_process');
  const full = join(folder, 'full');
  mkdirSync(full);
  const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=32k', 'none', full]);
  if (mounted.status !== 0) return;
  try {
    const { place } = openRing([full]);
    assert.match('refused' in place ? place.refused : '', /full: no space/u);
    assert.deepEqual(readdirSync(full), []);
  } finally {
    spawnSync('umount', [full]);
  }
});
