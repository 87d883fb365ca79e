/** Captures that somebody made over: they hold together by themselves, and what stands outside tells otherwise. */
import { doesNotMatch, equal, match } from 'node:assert/strict';
import { cpSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, describe, test } from 'node:test';
import {
  bytesEntry,
  freshFolder,
  makeCapture,
  standardEntries,
  type MadeCapture,
  type MakeOptions,
} from '../case/captures.ts';
import { openIdentity } from '../../src/seal/age-open.ts';
import { copyOf, IDENTITY } from '../case/checking.ts';
import { readManifest, writeManifest } from '../case/forge.ts';
import { program, type Ran } from './program.ts';

/** The last line of the capture is not in it: the sandbox was killed before. */
function cutLog({ log }: MadeCapture): string {
  const file = join(freshFolder(), 'function.log');
  const lines = log.split('\n').filter((line) => !line.includes('"amber":"capture"'));
  writeFileSync(file, lines.join('\n'));
  return file;
}

describe('a joined file without manifest.json, held against the sizes and digests in the log', () => {
  let made: MadeCapture;
  let log = '';
  before(async () => {
    made = await makeCapture();
    log = cutLog(made);
  });
  const cut = (): string => {
    const folder = copyOf(made);
    rmSync(join(folder, 'manifest.json'));
    rmSync(join(folder, 'SHA256SUMS'), { force: true });
    return folder;
  };
  const verify = (folder: string): Promise<Ran> => program(['verify', folder, '--log', log]);

  test('as it was stored: every segment is compared', async () => {
    const { code, out } = await verify(cut());
    equal(code, 1, out);
    match(out, new RegExp(`^ok +digests in the log: ${made.segments.length} segments have the digest`, 'mu'));
    match(out, /^cut: /mu);
  });

  test('other contents that hold together: FAILED, with the segment', async () => {
    const folder = cut();
    const entries = [...standardEntries().slice(0, 1), bytesEntry('live_response/note.txt', 'harmless')];
    const forged = await makeCapture({ entries });
    writeFileSync(join(folder, 'capture.tar.zst'), readFileSync(join(forged.folder, 'capture.tar.zst')));
    const { code, out } = await verify(folder);
    equal(code, 1, out);
    match(out, /^FAILED +digests in the log\n +- segment 0 /mu);
    doesNotMatch(out, /0 segments have the digest/u);
  });

  test('its end is not there: FAILED, with the first segment that is cut', async () => {
    const folder = cut();
    const [first] = made.segments;
    truncateSync(join(folder, 'capture.tar.zst'), first!.bytes + 10);
    const { code, out } = await verify(folder);
    equal(code, 1, out);
    match(out, /- segment 1 is cut: capture\.tar\.zst ends at byte \d+, the log says that the segment ends at \d+/u);
    match(out, /- segment 2 \(.*\) is named in the log, not stored/u);
  });

  test('bytes behind the last segment of the log are told', async () => {
    const folder = cut();
    writeFileSync(join(folder, 'capture.tar.zst'), 'more of it', { flag: 'a' });
    match(
      (await verify(folder)).out,
      /segments have the digest that the log holds; the log has no line of the last 10 /u,
    );
  });

  test('a log without a line of any segment: not checked', async () => {
    const file = join(freshFolder(), 'function.log');
    const last = made.log.split('\n').find((line) => line.includes('"amber":"capture"')) ?? '';
    const { amber, capture } = JSON.parse(last) as Record<string, unknown>;
    writeFileSync(file, `${JSON.stringify({ amber, capture, state: 'cut' })}\n`);
    const { out } = await program(['verify', cut(), '--log', file]);
    match(out, /^not checked +digests in the log: nothing of it could be compared with the log/mu);
  });
});

describe('two copies of one capture that contradict', () => {
  const place = async (change: (folder: string) => Promise<void>): Promise<string> => {
    const base = freshFolder();
    const { folder } = await makeCapture();
    for (const name of ['one', 'two']) cpSync(folder, join(base, name), { recursive: true });
    await change(join(base, 'two'));
    return base;
  };
  const other = async (folder: string): Promise<void> => {
    const forged = await makeCapture({ entries: standardEntries().slice(0, 2) });
    rmSync(folder, { recursive: true });
    cpSync(forged.folder, folder, { recursive: true });
  };
  const document = (folder: string): Promise<void> => {
    const manifest = readManifest(folder);
    writeManifest(folder, { ...manifest, cost: { ...manifest.cost, cpuMs: 7 } });
    return Promise.resolve();
  };
  for (const [what, change] of Object.entries({
    'other contents that hold together': other,
    'one manifest.json': document,
  }))
    test(`${what}: each holds alone, and the capture is not verified`, async () => {
      const base = await place(change);
      for (const name of ['one', 'two']) equal((await program(['verify', join(base, name)])).code, 0);
      const { code, out } = await program(['verify', base, '--all']);
      equal(code, 1, out);
      match(out, /^0 of 1 verified/mu);
      match(out, new RegExp(`is stored 2 times, and they differ: .*${base}/one/ and ${base}/two/`, 'u'));
      const page = join(freshFolder(), 'case.html');
      const reported = await program(['report', base, '--to', page]);
      equal(reported.code, 1, reported.err);
      match(reported.out, /1 capture, 0 verified/u);
      match(reported.err, new RegExp(`PROBLEM: capture .*${base}/one/ and ${base}/two/`, 'u'));
      match(readFileSync(page, 'utf8'), /0 of 1 verified[\s\S]*is stored 2 times, and they differ/u);
    });

  test('equal ones are verified, and count once in the page too', async () => {
    const base = await place(() => Promise.resolve());
    equal((await program(['verify', base, '--all'])).code, 0);
    const { code, out } = await program(['report', base, '--to', join(freshFolder(), 'case.html')]);
    equal(code, 0, out);
    match(out, /1 capture, 1 verified/u);
  });

  test('age files and what was decrypted of them do not contradict', async () => {
    const key = join(freshFolder(), 'key.txt');
    writeFileSync(key, IDENTITY);
    const base = freshFolder();
    const { folder } = await makeCapture({ apart: true, recipient: openIdentity(IDENTITY).recipients[0]! });
    cpSync(folder, join(base, 'one'), { recursive: true });
    equal((await program(['pull', folder, '--to', join(base, 'two'), '-i', key])).code, 0);
    const { code, out } = await program(['verify', base, '--all', '-i', key]);
    equal(code, 0, out);
    match(out, /^1 of 1 verified/mu);
  });
});

describe('a capture that calls itself a collection, beside a log that does not name it', () => {
  const scene = async (options: MakeOptions): Promise<Ran> => {
    const { folder } = await makeCapture(options);
    writeManifest(folder, { ...readManifest(folder), cause: { trigger: 'collect', reason: 'collected' } });
    const file = join(freshFolder(), 'function.log');
    writeFileSync(file, (await makeCapture({ captureId: '0197c0de-0000-7000-8000-0000000000bb' })).log);
    return program(['verify', folder, '--log', file]);
  };

  test('has what only a sandbox has: the word is not believed, and the log is silent of it', async () => {
    const { code, out } = await scene({});
    equal(code, 3, out);
    doesNotMatch(out, /calls itself a collection/u);
  });

  test('has documents of the control plane alone: the log is not asked', async () => {
    const { code, out } = await scene({ entries: [bytesEntry('control_plane/urls.json', '[]')] });
    equal(code, 0, out);
    match(out, /^not checked +digests in the log: it calls itself a collection/mu);
  });
});
