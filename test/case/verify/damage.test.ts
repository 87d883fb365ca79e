import assert from 'node:assert/strict';
import { copyFileSync, readFileSync, readdirSync, truncateSync, unlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { openIdentity } from '../../../src/seal/age-open.ts';
import { bytesEntry, makeCapture, standardEntries } from '../captures.ts';
import { copyOf, failedChecks, findings, IDENTITY, verify, withLog } from '../checking.ts';

describe('a flipped bit', () => {
  for (const compression of ['zstd', 'gzip', 'none'] as const) {
    test(`is found wherever it is: ${compression}`, async () => {
      const made = await makeCapture({
        compression,
        entries: [...standardEntries().slice(0, 8), bytesEntry('zeros', Buffer.alloc(3000))],
      });
      for (const name of readdirSync(made.folder)) {
        const path = join(made.folder, name);
        const body = readFileSync(path);
        for (let at = 0; at < body.length; at += at < 40 || at > body.length - 40 ? 1 : 211) {
          const changed = Buffer.from(body);
          changed[at] = (changed[at] ?? 0) ^ (1 << (at % 8));
          writeFileSync(path, changed);
          assert.equal((await verify(made.folder)).verdict, 'failed', `${name} at ${at}`);
        }
        writeFileSync(path, body);
      }
      assert.equal((await verify(made.folder)).verdict, 'verified');
    });
  }

  test('in manifest.json alone is found by the digest in the log', async () => {
    const made = await makeCapture({ apart: true });
    const body = readFileSync(join(made.folder, 'manifest.json'), 'utf8');
    writeFileSync(join(made.folder, 'manifest.json'), body.replace('"cpuMs": 100', '"cpuMs": 101'));
    assert.deepEqual(failedChecks(await verify(made.folder, withLog(made.log))), ['log']);
  });

  test('inside of an age file is found with and without the identity', async () => {
    const identity = openIdentity(IDENTITY);
    const made = await makeCapture({ recipient: identity.recipients[0]!, apart: true });
    const path = join(made.folder, 'capture-0001.tar.zst.age');
    const body = readFileSync(path);
    body[5000] = body[5000]! ^ 1;
    writeFileSync(path, body);
    assert.deepEqual(failedChecks(await verify(made.folder)), ['segments', 'whole', 'receipts']);
    assert.ok(failedChecks(await verify(made.folder, { identity })).includes('structure'));
  });
});

describe('a truncated capture', () => {
  test('is found, wherever it is cut', async () => {
    const made = await makeCapture();
    const size = readFileSync(join(made.folder, 'capture.tar.zst')).length;
    for (const cut of [1, 2, 1000, 50_000, 300_000, size - 20, size - 4]) {
      const folder = copyOf(made);
      truncateSync(join(folder, 'capture.tar.zst'), size - cut);
      const result = await verify(folder);
      assert.equal(result.verdict, 'failed', `cut ${cut}`);
    }
  });

  test('is found as an appended one is', async () => {
    const folder = (await makeCapture()).folder;
    writeFileSync(join(folder, 'capture.tar.zst'), 'x', { flag: 'a' });
    assert.ok(failedChecks(await verify(folder)).includes('objects'));
  });

  test('that was never committed is called cut, up to the last part that was read', async () => {
    const made = await makeCapture({ apart: true });
    unlinkSync(join(made.folder, 'manifest.json'));
    const result = await verify(made.folder);
    assert.equal(result.verdict, 'cut');
    assert.match(result.summary, new RegExp(`verified up to segment ${made.segments.length - 1}`, 'u'));
    const middle = join(made.folder, made.segments[1]!.name);
    unlinkSync(middle);
    assert.match(
      (await verify(made.folder)).summary,
      /verified up to segment 0 .*1 segment is not there, the first is 1/u,
    );
  });

  test('without its manifest.json is still held against the log', async () => {
    const made = await makeCapture({ apart: true });
    unlinkSync(join(made.folder, 'manifest.json'));
    const removed = await verify(made.folder, withLog(made.log));
    assert.deepEqual([removed.verdict, failedChecks(removed)], ['failed', ['log']]);
    assert.match(
      removed.summary,
      /manifest\.json \(SHA-256 [0-9a-f]{64}\) is named in the log, not stored: removed, or never there/u,
    );
    const uncommitted = made.log
      .split('\n')
      .filter((line) => !line.includes('"amber":"capture"'))
      .join('\n');
    assert.match(
      (await verify(made.folder, withLog(uncommitted))).summary,
      /^cut: there is no manifest\.json: nor does the log tell of one/u,
    );
    copyFileSync(join(made.folder, made.segments[0]!.name), join(made.folder, made.segments.at(-1)!.name));
    assert.ok(failedChecks(await verify(made.folder, withLog(made.log))).includes('log'));
    unlinkSync(join(made.folder, made.segments.at(-1)!.name));
    assert.match(
      findings(await verify(made.folder, withLog(made.log))),
      /is named in the log, not stored: removed, or never there/u,
    );
  });
});
