import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { copyFileSync, cpSync, readFileSync, readdirSync, rmSync, truncateSync, unlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { readLogDigests } from '../../src/case/log-lines.ts';
import { openLocal } from '../../src/case/open.ts';
import { verifyCapture, type VerifyOptions, type VerifyResult } from '../../src/case/verify.ts';
import { openIdentity } from '../../src/seal/age-open.ts';
import { requirePeer } from '../peers.ts';
import { bytesEntry, freshFolder, makeCapture, noise, standardEntries, type MadeCapture } from './captures.ts';
import { one, partWith, piece, putTogether, readManifest, sha256, takeApart, writeManifest, type Piece } from './forge.ts';

async function verify(path: string, options: VerifyOptions = {}): Promise<VerifyResult> {
  return verifyCapture(await openLocal(path), options);
}

const withLog = (log: string): VerifyOptions => ({ log: (captureId) => readLogDigests(one(Buffer.from(log)), captureId) });

function failedChecks(result: VerifyResult): string[] {
  return result.checks.filter(({ state }) => state === 'failed').map(({ name }) => name);
}

function findings(result: VerifyResult): string {
  return result.checks.flatMap((check) => check.findings).join('\n');
}

function copyOf(capture: MadeCapture): string {
  const folder = join(freshFolder(), 'capture');
  cpSync(capture.folder, folder, { recursive: true });
  return folder;
}

/** An age identity and its recipient, as age-keygen makes them. */
const IDENTITY = 'AGE-SECRET-KEY-1GFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPQ4EGAEX';

describe('a capture that nobody touched', () => {
  for (const compression of ['zstd', 'gzip', 'none'] as const) {
    for (const apart of [false, true]) {
      test(`verifies: ${compression}, ${apart ? 'segments apart' : 'joined'}`, async () => {
        const made = await makeCapture({ compression, apart });
        assert.ok(made.segments.length >= 4 && made.segments.some(({ continues }) => continues));
        const result = await verify(made.folder, withLog(made.log));
        assert.equal(result.verdict, 'verified', findings(result));
        assert.equal(result.sha256, made.manifest.tarball.sha256);
        assert.equal(result.entries, 27);
        assert.equal(result.items, 28);
        assert.deepEqual(result.checks.filter(({ state }) => state !== 'ok').map(({ name }) => name), apart ? ['sums', 'sender'] : ['receipts', 'sender']);
      });
    }
  }

  test('verifies with padding: a file that shrank, and one that ends with zeros of its own', async () => {
    const short = (path: string, size: number, body: Buffer) => ({ kind: 'stream', path, source: 'test', method: 'api', size, chunks: () => [body] }) as const;
    const zeros = Buffer.concat([noise(1000, 1), Buffer.alloc(3000)]);
    const made = await makeCapture({ entries: [
      short('shrank', 700_000, noise(300_001, 5)), short('shrank-zeros', 10_000, zeros), bytesEntry('zeros', Buffer.alloc(200_000)),
      short('nothing', 2_000_000, Buffer.alloc(0)), bytesEntry('tail', zeros),
    ] });
    assert.equal((await verify(made.folder)).verdict, 'verified');
  });

  test('says that nothing outside vouches for it, when no log is given', async () => {
    const { checks } = await verify((await makeCapture()).folder);
    const log = checks.find(({ name }) => name === 'log');
    assert.equal(log?.state, 'not-checked');
    assert.match(log.detail, /nothing outside of this folder vouches/u);
  });

  test('is verified inside of its age files with the identity, and only outside of them without', async () => {
    const identity = openIdentity(IDENTITY);
    const made = await makeCapture({ recipient: identity.recipients[0]!, apart: true });
    const outside = await verify(made.folder);
    assert.equal(outside.verdict, 'verified');
    assert.deepEqual(outside.checks.filter(({ state }) => state === 'not-checked').map(({ name }) => name), ['structure', 'entries', 'chain', 'head', 'totals', 'sums', 'log', 'sender']);
    assert.match(outside.checks.at(-1)?.detail ?? '', /age does not authenticate a sender/u);
    const inside = await verify(made.folder, { identity });
    assert.equal(inside.verdict, 'verified');
    assert.equal(inside.entries, 27);
  });

  test('is not opened by another identity', async (t) => {
    if (!requirePeer(t, 'age-keygen')) return;
    const other = execFileSync('age-keygen', { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
    const made = await makeCapture({ recipient: openIdentity(IDENTITY).recipients[0]!, apart: true });
    await assert.rejects(verify(made.folder, { identity: openIdentity(other) }), { code: 'IDENTITY_INVALID' });
  });
});

describe('a flipped bit', () => {
  for (const compression of ['zstd', 'gzip', 'none'] as const) {
    test(`is found wherever it is: ${compression}`, async () => {
      const made = await makeCapture({ compression, entries: [...standardEntries().slice(0, 8), bytesEntry('zeros', Buffer.alloc(3000))] });
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
    assert.match((await verify(made.folder)).summary, /verified up to segment 0 .*1 segments are not there, the first is 1/u);
  });

  test('without its manifest.json is still held against the log', async () => {
    const made = await makeCapture({ apart: true });
    unlinkSync(join(made.folder, 'manifest.json'));
    assert.equal((await verify(made.folder, withLog(made.log))).verdict, 'cut');
    copyFileSync(join(made.folder, made.segments[0]!.name), join(made.folder, made.segments.at(-1)!.name));
    assert.ok(failedChecks(await verify(made.folder, withLog(made.log))).includes('log'));
    unlinkSync(join(made.folder, made.segments.at(-1)!.name));
    assert.match(findings(await verify(made.folder, withLog(made.log))), /was stored, and it is not there/u);
  });
});

describe('a segment', () => {
  test('that was removed is missed', async () => {
    for (const index of [0, 1, 2]) {
      const made = await makeCapture({ apart: true });
      unlinkSync(join(made.folder, made.segments[index]!.name));
      const result = await verify(made.folder);
      assert.equal(result.verdict, 'failed');
      assert.match(findings(result), new RegExp(`segment ${index} was stored and is not there`, 'u'));
    }
  });

  test('that was added, swapped or doubled is found', async () => {
    const made = await makeCapture({ apart: true });
    const [one, two] = [made.segments[0]!.name, made.segments[1]!.name].map((name) => join(made.folder, name));
    copyFileSync(one!, join(made.folder, 'capture-0099.tar.zst'));
    assert.deepEqual(failedChecks(await verify(made.folder)), ['objects']);
    unlinkSync(join(made.folder, 'capture-0099.tar.zst'));
    const [first, second] = [readFileSync(one!), readFileSync(two!)];
    writeFileSync(one!, second);
    writeFileSync(two!, first);
    assert.ok(failedChecks(await verify(made.folder)).includes('segments'));
  });

  test('that was lost on the way makes the capture cut, and the rest is verified', async () => {
    const made = await makeCapture({ apart: true });
    const manifest = readManifest(made.folder);
    const segments = manifest.segments.map((segment) => (segment.number === 1 ? { ...segment, state: 'lost' } : segment));
    unlinkSync(join(made.folder, made.segments[1]!.name));
    writeFileSync(join(made.folder, 'manifest.json'), JSON.stringify({ ...manifest, state: 'cut', segments }));
    const result = await verify(made.folder);
    assert.equal(result.verdict, 'cut', findings(result));
    assert.ok(result.entries > 3, 'entries behind the gap are read');
  });

  test('alone is verified as far as it goes', async () => {
    const made = await makeCapture({ apart: true });
    const result = await verify(join(made.folder, made.segments[0]!.name));
    assert.equal(result.verdict, 'cut', findings(result));
    assert.match(result.summary, /one segment alone: verified up to segment 0/u);
  });
});

/** The attacker rewrites the tar stream, and every digest around it fits. */
describe('with all outer digests made to fit', () => {
  async function forged(change: (segments: Piece[][]) => Piece[][], edits: Parameters<typeof putTogether>[2] = {}): Promise<VerifyResult> {
    const made = await makeCapture({ entries: standardEntries().slice(0, -3) });
    putTogether(made.folder, change(await takeApart(made.folder)), edits);
    const result = await verify(made.folder);
    assert.deepEqual(result.checks.filter(({ name, state }) => state === 'failed' && ['segments', 'whole', 'sums', 'objects'].includes(name)), []);
    assert.deepEqual(failedChecks(await verify(made.folder, withLog(made.log))).includes('log'), true, 'the log gives it away in any case');
    return result;
  }
  /** Changes the segment that holds `path`. */
  const edit = (path: string, change: (pieces: Piece[]) => Piece[]) => (segments: Piece[][]): Piece[][] => {
    assert.ok(segments.length >= 3 && segments.flat().some((each) => each.path === path), 'the test needs this entry');
    return segments.map((pieces) => (pieces.some((each) => each.path === path) ? change(pieces) : pieces));
  };

  test('nothing changed is nothing found inside', async () => {
    assert.equal((await forged((segments) => segments)).verdict, 'verified');
  });

  test('a removed entry is found', async () => {
    const result = await forged(edit('[root]/tmp/work/file-3', (pieces) => pieces.filter(({ path }) => path !== '[root]/tmp/work/file-3')));
    assert.deepEqual(failedChecks(result), ['entries']);
    assert.match(findings(result), /file-3" has a line in the manifest and no entry/u);
  });

  test('an added entry is found', async () => {
    const result = await forged(edit('[root]/tmp/work/file-2', (pieces) => [pieces[0]!, piece('[root]/tmp/innocent', 'x'), ...pieces.slice(1)]));
    assert.match(findings(result), /innocent" has no line in the manifest/u);
  });

  test('an entry added behind the last manifest part is found', async () => {
    const result = await forged((segments) => segments.map((pieces, index) => (index === segments.length - 1 ? [...pieces, piece('late', 'x')] : pieces)));
    assert.match(findings(result), /behind the last manifest part/u);
  });

  test('reordered entries are found', async () => {
    const result = await forged(edit('[root]/tmp/work/file-2', ([first, second, third, ...rest]) => [first!, third!, second!, ...rest]));
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
    const result = await forged(edit('[root]/tmp/work/file-2', (pieces) => pieces.map((each) => {
      if (each.path !== '[root]/tmp/work/file-2') return each;
      const bytes = Buffer.from(each.bytes);
      bytes[bytes.length - 1000] = (bytes[bytes.length - 1000] ?? 0) ^ 0xff;
      return { ...each, bytes };
    })));
    assert.deepEqual(failedChecks(result), ['entries']);
    assert.match(findings(result), /file-2": its SHA-256 is/u);
  });

  test('a duplicated entry is found', async () => {
    const result = await forged(edit('[root]/tmp/work/file-2', (pieces) => [pieces[0]!, ...pieces]));
    assert.match(findings(result), /is there twice/u);
  });

  test('other metadata is found: mode, and a name in a pax record', async () => {
    const result = await forged(edit('[root]/tmp/work/file-2', (pieces) => pieces.map((each) => (each.path === '[root]/tmp/work/file-1' ? piece(each.path, each.body, 0o755) : each))));
    assert.match(findings(result), /file-1": its mode is 755/u);
  });

  test('a changed line breaks the chain', async () => {
    const result = await forged(edit('[root]/tmp/work/file-2', (pieces) => pieces.map((each) => (each.path.startsWith('manifest/')
      ? partWith(each, (lines) => lines.map((line) => line.replace('"method":"test"', '"method":"tesT"'))) : each))));
    assert.deepEqual(failedChecks(result), ['chain']);
    assert.match(findings(result), /the chain is broken/u);
  });

  test('an entry taken out together with its line breaks the chain, and the sums', async () => {
    const result = await forged(edit('[root]/tmp/work/file-2', (pieces) => pieces.filter(({ path }) => path !== '[root]/tmp/work/file-2').map((each) => (each.path.startsWith('manifest/')
      ? partWith(each, (lines) => lines.filter((line) => !line.includes('file-2"'))) : each))));
    assert.deepEqual(failedChecks(result), ['chain', 'totals']);
  });

  test('a whole part taken out breaks the chain', async () => {
    const result = await forged(edit('[root]/tmp/work/file-2', () => []));
    assert.ok(failedChecks(result).includes('chain'));
  });

  test('data behind the end, and in the padding of a body, is found', async () => {
    const tail = Buffer.concat([Buffer.alloc(1024), Buffer.from('hidden'.repeat(100).slice(0, 512))]);
    assert.match(findings(await forged((segments) => segments, { tail })), /data behind the end of the archive/u);
    const result = await forged(edit('live_response/note.txt', (pieces) => pieces.map((each) => {
      if (each.path !== 'live_response/note.txt') return each;
      const bytes = Buffer.from(each.bytes);
      bytes[bytes.length - 1] = 1;
      return { ...each, bytes };
    })));
    assert.match(findings(result), /the padding behind a body is not zero/u);
  });

  test('a manifest.json that counts otherwise is found', async () => {
    const result = await forged((segments) => segments, { manifest: (manifest) => ({ ...manifest, collectors: { test: { ...manifest.collectors['test'], denied: 0 } }, outcomes: { ...manifest.outcomes, denied: 0 } }) });
    assert.deepEqual(failedChecks(result), ['totals']);
  });

  test('a manifest.json of another capture is found', async () => {
    const result = await forged((segments) => segments, { manifest: (manifest) => ({ ...manifest, captureId: 'another' }) });
    assert.ok(failedChecks(result).includes('commit'));
  });
});

describe('the log', () => {
  test('gives away a capture that was made anew as a whole', async () => {
    const real = await makeCapture();
    const fake = await makeCapture({ entries: [bytesEntry('[root]/tmp/harmless', 'nothing to see')] });
    assert.equal((await verify(fake.folder)).verdict, 'verified', 'without the log it looks right');
    const result = await verify(fake.folder, withLog(real.log));
    assert.deepEqual(failedChecks(result), ['log']);
    assert.match(findings(result), /segment 0 is [0-9a-f]{64}, the log says [0-9a-f]{64}/u);
    assert.match(findings(result), /manifest\.json is/u);
  });

  test('with two digests for one segment is tampering', async () => {
    const made = await makeCapture();
    const line = { amber: 'segment', capture: made.manifest.captureId, segment: 1, object: 'x', bytes: 1, sha256: sha256('fake'), chain: null };
    const result = await verify(made.folder, withLog(`${JSON.stringify(line)}\n${made.log}`));
    assert.deepEqual(failedChecks(result), ['log']);
    assert.match(findings(result), /2 different digests for segment 1: somebody has tampered/u);
  });

  test('is read in every form in which CloudWatch gives it', async () => {
    const made = await makeCapture();
    const lines = made.log.trimEnd().split('\n');
    const forms: Record<string, string> = {
      'raw with text around': lines.map((line) => `2025-06-30T09:16:41Z\t${line} trailing`).join('\n'),
      'filter-log-events': JSON.stringify({ events: lines.map((message) => ({ timestamp: 1, message })) }, null, 4),
      'one line of it': JSON.stringify({ events: lines.map((message) => ({ timestamp: 1, message })) }),
      'a string in a string': JSON.stringify({ Records: [{ body: JSON.stringify({ logEvents: lines.map((message) => ({ message })) }) }] }),
      'JSON log format': lines.map((line) => JSON.stringify({ timestamp: 'x', type: 'app', record: line.startsWith('{') ? (JSON.parse(line) as unknown) : line })).join('\n'),
    };
    for (const [name, log] of Object.entries(forms)) {
      const result = await verify(made.folder, withLog(log));
      assert.equal(result.verdict, 'verified', `${name}: ${findings(result)}`);
      assert.match(result.checks.find((check) => check.name === 'log')?.detail ?? '', new RegExp(`^${made.segments.length} segments .* and so has manifest\\.json$`, 'u'), name);
    }
  });

  test('of something else is no anchor', async () => {
    const made = await makeCapture();
    assert.match(findings(await verify(made.folder, withLog('START\nhello\n{"amber":"segment","capture":"other","segment":0,"sha256":"x"}\n'))), /no line of this capture; it has those of other/u);
  });

  test('that lacks lines is said to', async () => {
    const made = await makeCapture();
    const some = made.log.split('\n').filter((line) => !line.includes('"segment":1,')).join('\n');
    const result = await verify(made.folder, withLog(some));
    assert.equal(result.verdict, 'verified');
    assert.match(result.checks.find(({ name }) => name === 'log')?.detail ?? '', /it has no line of segments 1/u);
  });
});

describe('what is no capture', () => {
  test('is a clear error, or a failure', async () => {
    const folder = freshFolder();
    await assert.rejects(verify(folder), { code: 'CASE_MISSING' });
    await assert.rejects(verify(join(folder, 'nothing')), { code: 'CASE_MISSING' });
    writeFileSync(join(folder, 'manifest.json'), '{"format":"other"}');
    assert.deepEqual(failedChecks(await verify(folder)), ['commit']);
    writeFileSync(join(folder, 'capture.tar.zst'), noise(5000, 1));
    rmSync(join(folder, 'manifest.json'));
    assert.deepEqual(failedChecks(await verify(folder)), ['structure']);
    assert.match(findings(await verify(folder)), /no zstd frame at byte 0/u);
  });

  test('a tarball of somebody else has no manifest parts', async () => {
    const folder = freshFolder();
    writeFileSync(join(folder, 'hello'), 'hi');
    execFileSync('tar', ['-C', folder, '-cf', join(folder, 'capture.tar'), 'hello']);
    const result = await verify(join(folder, 'capture.tar'));
    assert.equal(result.verdict, 'failed');
  });

  test('a manifest.json with a path for a segment, or with odd types, is refused', async () => {
    const { folder } = await makeCapture();
    const manifest = readManifest(folder);
    for (const bad of [
      { ...manifest, segments: [{ ...manifest.segments[0], name: '../../etc/passwd' }] },
      { ...manifest, segments: 'none' }, { ...manifest, tarball: null }, { ...manifest, collectors: { __proto__: null, x: { collected: 'many' } } }, [], null,
    ]) {
      writeManifest(folder, bad);
      assert.ok(failedChecks(await verify(folder)).includes('commit'));
    }
  });
});
