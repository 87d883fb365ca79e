/** The data events of S3 in a collection decide on what is absent, through the built command. */
import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { before, describe, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { openPlace } from '../../../src/case/store/locate.ts';
import { readTrailObjects } from '../../../src/case/verify/trail-objects.ts';
import { builtAmber, type BuiltAmber, type BuiltRan } from '../../cli/command-built.ts';
import { freshFolder, makeCapture } from '../captures.ts';
import { ADMIN, BUCKET, collectionWith, trailRows, type DataEvent } from '../trail-rows.ts';

let amber: BuiltAmber;
before(() => {
  amber = builtAmber();
});

const ID = '0197c0de-0000-7000-8000-0000000000b1';
const KEY = (name: string, id = ID): string =>
  `amber/account=111122223333/region=eu-central-1/function=checkout/date=2025-06-30/capture=${id}/${name}`;
const AT = '2025-06-30T09:16:42Z';
const LATER = '2025-06-30T11:00:05Z';
const ABSENT = 'is named in the log, not stored';

interface Scene {
  readonly at: string;
  readonly base: string;
  readonly log: string;
}

async function scene(): Promise<Scene> {
  const made = await makeCapture({ apart: true, captureId: ID });
  const base = freshFolder();
  const at = join(base, 'case', `capture=${ID}`);
  mkdirSync(dirname(at), { recursive: true });
  renameSync(made.folder, at);
  const log = join(base, 'function.log');
  writeFileSync(log, made.log);
  return { at, base: dirname(at), log };
}

async function verify({ at, log }: Scene, events: readonly DataEvent[], ...more: readonly string[]): Promise<BuiltRan> {
  const { folder } = await collectionWith(trailRows(events));
  return amber(['verify', at, '--log', log, '--collection', folder, ...more]);
}

const put = (name: string, time = AT): DataEvent => ({ name: 'PutObject', time, key: KEY(name) });
const gone = (name: string, more: Partial<DataEvent> = {}): DataEvent => ({
  name: 'DeleteObject',
  time: LATER,
  key: KEY(name),
  ...more,
});

describe('what the trail tells of an object that is not stored', () => {
  test('a DeleteObject: deleted, by whom, when and from where', async () => {
    const here = await scene();
    for (const name of ['manifest.json', 'capture-0001.tar.zst']) rmSync(join(here.at, name));
    const { code, out, err } = await verify(here, [
      put('manifest.json'),
      gone('manifest.json'),
      put('capture-0001.tar.zst'),
      gone('capture-0001.tar.zst', { version: 'v1' }),
      gone('capture-0002.tar.zst', { key: KEY('capture-0001.tar.zst', '0197c0de-0000-7000-8000-0000000000b2') }),
    ]);
    assert.equal(code, 1, err);
    const by = `by ${ADMIN} with AKIAIOSFODNN7EXAMPLE from 203.0.113.7 \\(DeleteObject, event event-of-DeleteObject-${LATER}\\)`;
    assert.match(
      out,
      new RegExp(
        `manifest\\.json \\(SHA-256 [0-9a-f]{64}\\) ${ABSENT}: s3://${BUCKET}/amber/.*/capture=${ID}/manifest\\.json was deleted at ${LATER} ${by}; it was stored at ${AT} \\(CloudTrail, as collected in `,
        'u',
      ),
    );
    assert.match(
      out,
      new RegExp(
        `segment 1 \\(capture-0001\\.tar\\.zst, SHA-256 [0-9a-f]{64}\\) ${ABSENT}: .*/capture-0001\\.tar\\.zst was deleted at ${LATER} ${by}, version v1; it was stored at`,
        'u',
      ),
    );
    assert.doesNotMatch(out, /never there/u);
  });

  test('a PutObject alone: it was there, and nobody is named for its removal', async () => {
    const here = await scene();
    rmSync(join(here.at, 'manifest.json'));
    const { code, out } = await verify(here, [
      put('manifest.json'),
      gone('manifest.json', { errorCode: 'AccessDenied' }),
    ]);
    assert.equal(code, 1);
    assert.match(
      out,
      new RegExp(
        `${ABSENT}: .* was there: it was stored at ${AT} by arn:aws:sts:.*, so it was removed, and no record of a DeleteObject says by whom \\(CloudTrail`,
        'u',
      ),
    );
    assert.doesNotMatch(out, /mallory/u);
  });

  test('a DeleteObjects, which names no keys: told as that, where it came after', async () => {
    const here = await scene();
    rmSync(join(here.at, 'manifest.json'));
    const batch = { name: 'DeleteObjects' };
    const { out } = await verify(here, [
      put('manifest.json'),
      { ...batch, time: '2025-06-30T08:00:00Z' },
      { ...batch, time: LATER },
      { ...batch, time: LATER, bucket: 'another-bucket' },
    ]);
    assert.match(
      out,
      new RegExp(
        `so it was removed, and no record of a DeleteObject says by whom; objects of the bucket were deleted at ${LATER} by ${ADMIN} .*\\(DeleteObjects, event .*\\), and DeleteObjects records no keys`,
        'u',
      ),
    );
    assert.doesNotMatch(out, /times more|08:00:00/u);
  });

  test('a DeleteObject without a PutObject: S3 says so of a key that is not there, too', async () => {
    const here = await scene();
    rmSync(join(here.at, 'manifest.json'));
    const { out } = await verify(here, [gone('manifest.json')]);
    assert.match(out, /was deleted at .*, which S3 also acknowledges for a key that is not there \(CloudTrail/u);
  });

  test('nothing, or what failed: nothing is said', async () => {
    const here = await scene();
    rmSync(join(here.at, 'manifest.json'));
    const other: DataEvent = { name: 'DeleteObject', time: LATER, key: 'amber/capture=other/manifest.json' };
    for (const events of [
      [],
      [other],
      [gone('manifest.json', { errorCode: 'AccessDenied' })],
      [{ ...gone('manifest.json'), name: 'GetObject' }],
      [gone('manifest.json', { time: 'yesterday' })],
    ]) {
      const { code, out } = await verify(here, events);
      assert.equal(code, 1);
      assert.match(out, /is named in the log, not stored: removed, or never there$/mu);
      assert.doesNotMatch(out, /CloudTrail/u);
    }
  });

  test('a whole capture, with --all and by its folder', async () => {
    const here = await scene();
    rmSync(here.at, { recursive: true });
    await makeCapture({ into: here.base });
    const events = [put('manifest.json'), gone('manifest.json'), put('capture-0000.tar.zst')];
    for (const { out, code } of [
      await verify({ ...here, at: here.base }, events, '--all'),
      await verify(here, events),
    ]) {
      assert.equal(code, 1);
      assert.match(
        out,
        new RegExp(
          `FAILED: capture ${ID} ${ABSENT}: s3://${BUCKET}/.*/manifest\\.json was deleted at ${LATER} by ${ADMIN}.*; .*/capture-0000\\.tar\\.zst was there`,
          'u',
        ),
      );
    }
  });

  test('a collection that is damaged, or has no such rows, is said; the rest is verified', async () => {
    const here = await scene();
    const bare = await collectionWith(trailRows([]));
    const none = await amber(['verify', here.at, '--log', here.log, '--collection', bare.folder]);
    assert.deepEqual(
      [none.code, none.err.includes('no data events of S3 on objects of these captures')],
      [0, true],
      none.err,
    );
    writeFileSync(join(bare.folder, 'capture-0000.tar.zst'), 'junk');
    const damaged = await amber(['verify', here.at, '--log', here.log, '--collection', bare.folder]);
    assert.deepEqual([damaged.code, damaged.err.includes('not read: ')], [3, true], damaged.err);
    assert.equal((await amber(['verify', here.at, '--collection', join(here.base, 'nowhere')])).code, 3);
  });

  test('a place that is no collection is said to be none, with exit code 3', async () => {
    const here = await scene();
    const { folder } = await makeCapture({ apart: true });
    for (const [place, says] of [
      [freshFolder(), /: not read: it is no collection, and there is none below it: give the folder that/u],
      [folder, /: not read: it is no collection but a capture of a sandbox: give the folder that/u],
    ] as const) {
      for (const argv of [['--log', here.log], [], ['--all']]) {
        const { code, err, out } = await amber(['verify', here.at, '--collection', place, ...argv]);
        assert.equal(code, 3, `${out}${err}`);
        assert.match(err, says);
        assert.doesNotMatch(err, /data events of S3/u);
      }
    }
  });
});

test('rows out of an unpacked collection are the same', async () => {
  const folder = freshFolder();
  mkdirSync(join(folder, 'cloudtrail'));
  writeFileSync(
    join(folder, 'cloudtrail', 'trail-0000.jsonl'),
    trailRows([put('manifest.json'), gone('manifest.json')]),
  );
  const told = await readTrailObjects(await openPlace(folder, { config: {} } as never), undefined, {
    stored: new Set([ID]),
    others: new Set(),
  });
  assert.match(told.of(ID, 'manifest.json') ?? '', /was deleted at/u);
  // Where the place is known, another bucket says nothing.
  assert.equal(told.of(ID, 'manifest.json', `s3://other/${KEY('manifest.json')}`), undefined);
  assert.match(told.of(ID, 'manifest.json', `s3://${BUCKET}/${KEY('manifest.json')}`) ?? '', /was deleted at/u);
});

test('a flood of forged captures, in the log and in the bucket, is bounded and hides no real one', {
  timeout: 280_000,
}, async () => {
  const here = await scene();
  rmSync(join(here.at, 'manifest.json'));
  const forged = (index: number): string => `0197c0df-0000-7000-8000-${String(index).padStart(12, '0')}`;
  const lines = Array.from({ length: 20_000 }, (_, index) =>
    JSON.stringify({
      amber: 'segment',
      capture: forged(index),
      segment: 0,
      state: 'stored',
      object: 'capture-0000.tar.zst',
      sha256: 'f'.repeat(64),
    }),
  );
  // As Firehose stores them: a member for each record, with a delimiter behind it.
  const members = Array.from({ length: 200 }, (_, index) => [
    gzipSync(lines.slice(index * 100, index * 100 + 100).join('\n')),
    Buffer.from('\n'),
  ]);
  writeFileSync(here.log, Buffer.concat([...members.flat(), gzipSync(readFileSync(here.log))]));
  const events = Array.from(
    { length: 20_000 },
    (_, index): DataEvent => ({ name: 'PutObject', time: AT, key: KEY('capture-0000.tar.zst', forged(index)) }),
  );
  const flood = [
    ...events,
    ...Array.from({ length: 5000 }, (): DataEvent => ({ name: 'DeleteObjects', time: LATER })),
    put('manifest.json'),
    gone('manifest.json'),
  ];
  const told = await verify({ ...here, at: here.base }, flood, '--all', '--json');
  assert.equal(told.code, 1, told.err);
  const { results, missing, missingInAll } = JSON.parse(told.out) as {
    results: { summary: string }[];
    missing: { trail?: string }[];
    missingInAll: number;
  };
  assert.deepEqual([results.length, missing.length, missingInAll], [1, 10_000, 20_000]);
  assert.match(results[0]?.summary ?? '', /manifest\.json .* was deleted at .*mallory/u);
  assert.ok(missing.every(({ trail }) => trail?.includes('was there') === true));
  assert.match(told.err, /4000 data events of S3 were too many to keep/u);
  assert.ok(told.bytes < 700 * 1024 * 1024, `${told.bytes} bytes`);
});
