/**
 * A segment whose name was taken goes under another one, and its answer comes after the commit marker has gone. The
 * store is a double: a real one answers in no such order on demand. Everything else is what a capture runs.
 */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, describe, test } from 'node:test';
import { resolveConfig } from '../../../src/config/config.ts';
import { deliver } from '../../../src/capture/deliver.ts';
import { segmentLine } from '../../../src/report/report.ts';
import { commitDocument } from '../../../src/seal/commit.ts';
import { openManifest } from '../../../src/seal/manifest.ts';
import { s3Over } from '../../../src/ship/s3.ts';
import { readSettings } from '../../../src/ship/s3-settings.ts';
import { builtAmber, type BuiltAmber } from '../../cli/command-built.ts';
import { CAPTURE_ID, commitFacts, freshFolder, logLine, standardEntries, TARBALL } from '../captures.ts';
import { failedChecks, findings, verify, withLog } from '../checking.ts';
import { readManifest, sha256 } from '../forge.ts';
import type { S3Transport } from '../../../src/ship/s3-transport.ts';

const IDENTITY = {
  captureId: CAPTURE_ID,
  account: '111122223333',
  region: 'eu-central-1',
  functionName: 'checkout',
  date: '2025-06-30',
};

let amber: BuiltAmber;
before(() => {
  amber = builtAmber();
});

interface Late {
  readonly folder: string;
  readonly log: string;
  /** The object of segment 1, and the bytes that it has. */
  readonly renamed: string;
}

/** `squatter`: bytes that stand under the plain name of segment 1. */
async function captureLate(squatter?: Buffer): Promise<Late> {
  const folder = join(freshFolder(), `capture=${CAPTURE_ID}`);
  mkdirSync(folder);
  const committed = Promise.withResolvers<undefined>();
  const dueAt = new AbortController();
  const transport: S3Transport = {
    put: async ({ key, body }) => {
      const name = key.slice(key.lastIndexOf('/') + 1);
      const isTaken = name.startsWith('capture-0001.');
      if (isTaken && squatter !== undefined) writeFileSync(join(folder, name), squatter);
      if (isTaken) return { ok: false, fault: { status: 412, code: 'PreconditionFailed' } };
      if (name === 'manifest.json') committed.resolve(undefined);
      if (name.startsWith('capture-0001-')) await committed.promise;
      writeFileSync(join(folder, name), Buffer.concat(body), { flag: 'wx' });
      return { ok: true, value: { etag: 'x' } };
    },
    close: () => undefined,
  };
  const config = resolveConfig({ s3Region: 'eu-central-1' }, {});
  const destination = s3Over(
    transport,
    readSettings(new URL('s3://evidence/amber'), IDENTITY, config, {}, undefined),
    IDENTITY,
  );
  const manifest = openManifest(CAPTURE_ID);
  const lines: string[] = [];
  const { error } = await deliver({
    destination,
    hardStop: new AbortController().signal,
    commitBy: dueAt.signal,
    tarball: { ...TARBALL, compression: 'zstd', manifest },
    fill: async (tarball) => {
      for (const entry of standardEntries())
        await (typeof entry === 'string' ? tarball.startTier(entry) : tarball.add(entry, 'test'));
      setTimeout(() => dueAt.abort(), 50);
    },
    onShipped: (shipped) => void lines.push(logLine('segment', segmentLine(CAPTURE_ID, shipped))),
    marker: (shipped, sealed) =>
      commitDocument({ ...commitFacts(CAPTURE_ID, 'zstd', undefined), ...sealed }, shipped, manifest, (value) => value),
  });
  assert.equal(error?.code, 'DESTINATION_UNAVAILABLE');
  const renamed = readdirSync(folder).find((name) => name.startsWith('capture-0001-'));
  assert.ok(renamed !== undefined);
  assert.equal(readManifest(folder).segments[1]?.state, 'lost');
  return { folder, renamed, log: lines.join('\n') };
}

describe('a segment that was renamed, and acknowledged after the commit marker', () => {
  test('belongs to the capture: it is read, and said to have come late', async () => {
    const { folder, log, renamed } = await captureLate();
    for (const options of [{}, withLog(log)]) {
      const result = await verify(folder, options);
      assert.deepEqual([result.verdict, failedChecks(result)], ['cut', []], findings(result));
      assert.equal(result.segments, readManifest(folder).segments.length);
      assert.match(result.summary, /were lost, and they were stored after it/u);
      assert.match(
        result.checks.find(({ name }) => name === 'objects')!.detail,
        new RegExp(`1 stored after the commit \\(as ${renamed.replaceAll('.', '\\.')}`, 'u'),
      );
    }
  });

  test('is pulled and read by the built command', async () => {
    const { folder, renamed } = await captureLate();
    const target = join(freshFolder(), 'pulled');
    const { code, err } = await amber(['pull', folder, '--to', target]);
    assert.deepEqual([code, err.includes('does not belong'), existsSync(join(target, renamed))], [1, false, true], err);
    const verified = await amber(['verify', target]);
    assert.deepEqual(
      [verified.code, verified.out.includes('stored after the commit'), /" does not belong|FAILED/u.test(verified.out)],
      [1, true, false],
      verified.out,
    );
  });

  test('stands beside the object that took its name: that one is foreign', async () => {
    const { folder, renamed } = await captureLate(randomBytes(5000));
    const result = await verify(folder);
    assert.deepEqual([result.verdict, failedChecks(result)], ['failed', ['objects']], findings(result));
    assert.match(findings(result), /^"capture-0001\.tar\.zst" does not belong/u);
    const target = join(freshFolder(), 'pulled');
    assert.match(
      (await amber(['pull', folder, '--to', target])).err,
      /PROBLEM: capture-0001\.tar\.zst does not belong/u,
    );
    assert.deepEqual(
      readdirSync(target).filter((name) => name.startsWith('capture-0001')),
      [renamed, 'capture-0001.tar.zst'],
    );
  });

  test('is not taken for a foreign one: other bytes, another number, a copy, one byte that changed', async () => {
    const { folder, renamed } = await captureLate();
    const body = readFileSync(join(folder, renamed));
    writeFileSync(join(folder, 'capture-0001-00000000.tar.zst'), randomBytes(body.length)); // the first by name
    writeFileSync(join(folder, 'capture-0002-0badf00d.tar.zst'), body);
    copyFileSync(join(folder, renamed), join(folder, 'capture-0001-ffffffff.tar.zst'));
    const result = await verify(folder);
    assert.deepEqual(failedChecks(result), ['objects'], findings(result));
    const foreign = ['capture-0001-00000000', 'capture-0002-0badf00d', 'capture-0001-ffffffff'].filter((name) =>
      findings(result).includes(`"${name}.tar.zst" does not belong`),
    );
    assert.equal(foreign.length, 3, findings(result));
    body[body.length >> 1]! ^= 1;
    const changed = await captureLate();
    writeFileSync(join(changed.folder, changed.renamed), body);
    assert.notEqual(sha256(body), readManifest(changed.folder).segments[1]?.sha256);
    assert.deepEqual(failedChecks(await verify(changed.folder)), ['objects']);
  });
});
