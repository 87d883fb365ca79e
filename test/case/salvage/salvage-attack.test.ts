/** Salvage of a capture that holds a file which looks like entries of a capture. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { encodeHeader, roundUp } from '../../../src/archive/header.ts';
import { bytesEntry, makeCapture, standardEntries } from '../captures.ts';
import { sha256 } from '../forge.ts';
import { run, without } from './salvaged.ts';

/**
 * A file of the attacker that looks like entries of a capture, manifest part included, at any place where it may be
 * cut.
 */
function decoy(size: number): Buffer {
  const fake = (path: string, body: Buffer): Buffer => {
    const padded = Buffer.alloc(roundUp(body.length));
    body.copy(padded);
    return Buffer.concat([encodeHeader({ path, type: '0', mode: 0o444, size: body.length, mtimeSeconds: 1 }), padded]);
  };
  const innocent = fake('[root]/tmp/innocent', Buffer.from('nothing to see here'));
  const item = {
    path: '[root]/tmp/innocent',
    source: 'x',
    collector: 'x',
    method: 'x',
    kind: 'bytes',
    outcome: 'collected',
    stored: 19,
    sha256: sha256('nothing to see here'),
  };
  const part = (number: number): Buffer =>
    fake(
      `manifest/${String(number).padStart(4, '0')}.jsonl`,
      Buffer.from(
        `${JSON.stringify({ manifest: 1, capture: 'x', segment: number, previous: null, items: 1 })}\n${JSON.stringify(item)}\n`,
      ),
    );
  const unit = Buffer.concat([innocent, part(2), part(3), part(4)]);
  return Buffer.concat(Array.from({ length: Math.ceil(size / unit.length) }, () => unit)).subarray(0, size);
}

describe('salvage under attack', () => {
  const entries = [
    ...standardEntries().slice(0, 3),
    'files',
    bytesEntry('[root]/tmp/decoy', decoy(900_000)),
    bytesEntry('[root]/tmp/real', 'real'),
  ] as const;

  test('takes no entry out of the body of a file, when manifest.json says where segments begin', async () => {
    const made = await makeCapture({ apart: true, entries: [...entries], compression: 'none' });
    const first = made.segments.findIndex(({ continues }) => continues);
    without(made, first - 1);
    const { by } = await run(made.folder);
    assert.ok(!by('whole').includes('[root]/tmp/innocent'));
    assert.ok(by('whole').includes('[root]/tmp/real'));
    assert.deepEqual(by('lost'), ['[root]/tmp/decoy']);
  });

  test('never calls such an entry whole in a segment that its real manifest part closes', async () => {
    const made = await makeCapture({ apart: true, entries: [...entries], compression: 'none' });
    const first = made.segments.findIndex(({ continues }) => continues);
    const closing = made.segments.findIndex(({ continues, chainHead }) => continues && chainHead !== undefined);
    assert.ok(closing > first);
    without(
      made,
      'manifest.json',
      ...made.segments.map(({ number }) => number).filter((number) => number > 0 && number < closing),
    );
    const { by } = await run(made.folder);
    assert.ok(by('whole').includes('[root]/tmp/real'), JSON.stringify(by('whole')));
  });
});
