/** The attacker rewrites the tar stream, and every digest around it fits. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { VerifyResult } from '../../../src/case/verify/verify.ts';
import { makeCapture, standardEntries } from '../captures.ts';
import { failedChecks, findings, verify, withLog } from '../checking.ts';
import { partWith, piece, putTogether, takeApart, type Piece } from '../forge.ts';

describe('with all outer digests made to fit', () => {
  async function forged(
    change: (segments: Piece[][]) => Piece[][],
    edits: Parameters<typeof putTogether>[2] = {},
  ): Promise<VerifyResult> {
    const made = await makeCapture({ entries: standardEntries().slice(0, -3) });
    putTogether(made.folder, change(await takeApart(made.folder)), edits);
    const result = await verify(made.folder);
    assert.deepEqual(
      result.checks.filter(
        ({ name, state }) => state === 'failed' && ['segments', 'whole', 'sums', 'objects'].includes(name),
      ),
      [],
    );
    assert.deepEqual(
      failedChecks(await verify(made.folder, withLog(made.log))).includes('log'),
      true,
      'the log gives it away in any case',
    );
    return result;
  }
  /** Changes the segment that holds `path`. */
  const edit =
    (path: string, change: (pieces: Piece[]) => Piece[]) =>
    (segments: Piece[][]): Piece[][] => {
      assert.ok(
        segments.length >= 3 && segments.flat().some((each) => each.path === path),
        'the test needs this entry',
      );
      return segments.map((pieces) => (pieces.some((each) => each.path === path) ? change(pieces) : pieces));
    };

  test('nothing changed is nothing found inside', async () => {
    assert.equal((await forged((segments) => segments)).verdict, 'verified');
  });

  test('a removed entry is found', async () => {
    const result = await forged(
      edit('[root]/tmp/work/file-3', (pieces) => pieces.filter(({ path }) => path !== '[root]/tmp/work/file-3')),
    );
    assert.deepEqual(failedChecks(result), ['entries']);
    assert.match(findings(result), /file-3" has a line in the manifest and no entry/u);
  });

  test('an added entry is found', async () => {
    const result = await forged(
      edit('[root]/tmp/work/file-2', (pieces) => [pieces[0]!, piece('[root]/tmp/innocent', 'x'), ...pieces.slice(1)]),
    );
    assert.match(findings(result), /innocent" has no line in the manifest/u);
  });

  test('an entry added behind the last manifest part is found', async () => {
    const result = await forged((segments) =>
      segments.map((pieces, index) => (index === segments.length - 1 ? [...pieces, piece('late', 'x')] : pieces)),
    );
    assert.match(findings(result), /behind the last manifest part/u);
  });

  test('reordered entries are found', async () => {
    const result = await forged(
      edit('[root]/tmp/work/file-2', ([first, second, third, ...rest]) => [first!, third!, second!, ...rest]),
    );
    assert.match(findings(result), /the entries were reordered/u);
  });

  test('entries moved into another segment are found', async () => {
    const result = await forged((segments) => {
      const [zero = [], one = [], ...rest] = segments;
      return [[...zero.slice(0, -1), one[0]!, zero.at(-1)!], one.slice(1), ...rest];
    });
    assert.ok(failedChecks(result).includes('entries'));
  });

  test('a replaced entry is found: other bytes of the same size', async () => {
    const result = await forged(
      edit('[root]/tmp/work/file-2', (pieces) =>
        pieces.map((each) => {
          if (each.path !== '[root]/tmp/work/file-2') return each;
          const bytes = Buffer.from(each.bytes);
          bytes[bytes.length - 1000] = (bytes[bytes.length - 1000] ?? 0) ^ 0xff;
          return { ...each, bytes };
        }),
      ),
    );
    assert.deepEqual(failedChecks(result), ['entries']);
    assert.match(findings(result), /file-2": its SHA-256 is/u);
  });

  test('a duplicated entry is found', async () => {
    const result = await forged(edit('[root]/tmp/work/file-2', (pieces) => [pieces[0]!, ...pieces]));
    assert.match(findings(result), /is there twice/u);
  });

  test('other metadata is found: mode, and a name in a pax record', async () => {
    const result = await forged(
      edit('[root]/tmp/work/file-2', (pieces) =>
        pieces.map((each) => (each.path === '[root]/tmp/work/file-1' ? piece(each.path, each.body, 0o755) : each)),
      ),
    );
    assert.match(findings(result), /file-1": its mode is 755/u);
  });

  test('a changed line breaks the chain', async () => {
    const result = await forged(
      edit('[root]/tmp/work/file-2', (pieces) =>
        pieces.map((each) =>
          each.path.startsWith('manifest/')
            ? partWith(each, (lines) => lines.map((line) => line.replace('"method":"test"', '"method":"tesT"')))
            : each,
        ),
      ),
    );
    assert.deepEqual(failedChecks(result), ['chain']);
    assert.match(findings(result), /the chain is broken/u);
  });

  test('an entry taken out together with its line breaks the chain, and the sums', async () => {
    const result = await forged(
      edit('[root]/tmp/work/file-2', (pieces) =>
        pieces
          .filter(({ path }) => path !== '[root]/tmp/work/file-2')
          .map((each) =>
            each.path.startsWith('manifest/')
              ? partWith(each, (lines) => lines.filter((line) => !line.includes('file-2"')))
              : each,
          ),
      ),
    );
    assert.deepEqual(failedChecks(result), ['chain', 'totals']);
  });

  test('a whole part taken out breaks the chain', async () => {
    const result = await forged(edit('[root]/tmp/work/file-2', () => []));
    assert.ok(failedChecks(result).includes('chain'));
  });

  test('data behind the end, and in the padding of a body, is found', async () => {
    const tail = Buffer.concat([Buffer.alloc(1024), Buffer.from('hidden'.repeat(100).slice(0, 512))]);
    assert.match(findings(await forged((segments) => segments, { tail })), /data behind the end of the archive/u);
    const result = await forged(
      edit('live_response/note.txt', (pieces) =>
        pieces.map((each) => {
          if (each.path !== 'live_response/note.txt') return each;
          const bytes = Buffer.from(each.bytes);
          bytes[bytes.length - 1] = 1;
          return { ...each, bytes };
        }),
      ),
    );
    assert.match(findings(result), /the padding behind a body is not zero/u);
  });

  test('a manifest.json that counts otherwise is found', async () => {
    const result = await forged((segments) => segments, {
      manifest: (manifest) => ({
        ...manifest,
        collectors: { test: { ...manifest.collectors['test'], denied: 0 } },
        outcomes: { ...manifest.outcomes, denied: 0 },
      }),
    });
    assert.deepEqual(failedChecks(result), ['totals']);
  });

  test('a manifest.json of another capture is found', async () => {
    const result = await forged((segments) => segments, {
      manifest: (manifest) => ({ ...manifest, captureId: 'another' }),
    });
    assert.ok(failedChecks(result).includes('commit'));
  });
});
