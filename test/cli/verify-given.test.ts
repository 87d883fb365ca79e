/**
 * What `amber verify` is given, through the built command: pipes, files that are no capture, a segment alone, copies.
 */
import { deepEqual, doesNotMatch, equal, match } from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { appendFileSync, cpSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { before, describe, test } from 'node:test';
import { readLogIndex } from '../../src/case/log/lines.ts';
import { logFiles } from '../../src/case/log/source.ts';
import { CAPTURE_ID, freshFolder, makeCapture, type MadeCapture } from '../case/captures.ts';
import { readManifest, writeManifest } from '../case/forge.ts';
import { builtAmber } from './command-built.ts';
import { COMMAND, program } from './program.ts';

let made: MadeCapture;
let at: string;
let log: string;
before(async () => {
  made = await makeCapture({ apart: true });
  at = join(freshFolder(), `capture=${CAPTURE_ID}`);
  renameSync(made.folder, at);
  log = join(dirname(at), 'function.log');
  writeFileSync(log, made.log);
});

/** The command as bash starts it: `<(…)` is a pipe. */
async function shell(line: string): Promise<{ code: number; out: string; err: string }> {
  const child = spawn('bash', ['-c', line], {
    env: { PATH: '/usr/bin:/bin', HOME: '/nonexistent', NODE: process.execPath, AMBER: COMMAND },
  });
  let [out, err] = ['', ''];
  child.stdout.on('data', (piece) => void (out += String(piece)));
  child.stderr.on('data', (piece) => void (err += String(piece)));
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve));
  return { code: code ?? -1, out, err };
}

describe('a log that comes out of a pipe', () => {
  test('is read, packed too, and decides', async () => {
    const plain = await shell(`"$NODE" "$AMBER" verify '${at}' --log <(cat '${log}')`);
    equal(plain.code, 0, plain.err);
    match(
      plain.out,
      /^ok +digests in the log: 7 segments have the digest that the log holds, and so has manifest\.json$/mu,
    );
    equal((await shell(`"$NODE" "$AMBER" verify '${dirname(at)}' --all --log <(gzip -c '${log}')`)).code, 0);
    const other = await shell(`"$NODE" "$AMBER" verify '${at}' --log <(sed 's/"sha256":"./"sha256":"x/' '${log}')`);
    equal(other.code, 1, other.out);
  });

  test('names what is not stored: it is read once, before or after', async () => {
    for (const place of [
      join(dirname(at), 'gone', `capture=${CAPTURE_ID}`),
      join(freshFolder(), `capture=${CAPTURE_ID}`),
    ]) {
      const told = await shell(
        `mkdir -p '${dirname(place)}'; "$NODE" "$AMBER" verify '${place}' --log <(cat '${log}')`,
      );
      equal(told.code, 1, told.err);
      match(told.out, /is named in the log, not stored/u);
    }
    const empty = join(freshFolder(), `capture=${CAPTURE_ID}`);
    mkdirSync(empty);
    const told = await shell(`cat '${log}' | "$NODE" "$AMBER" verify '${empty}' --log -`);
    equal(told.code, 1, told.err);
    match(told.out, /is named in the log, not stored/u);
  });

  test('that does not end is read to the bound', async () => {
    const fifo = join(freshFolder(), 'pipe');
    equal((await shell(`mkfifo '${fifo}'`)).code, 0);
    const writer = spawn('bash', ['-c', `cat '${log}' /dev/zero > '${fifo}'`]);
    const index = await readLogIndex(logFiles(fifo, 3_000_000));
    writer.kill();
    deepEqual(
      [index.of(CAPTURE_ID)?.lines, index.notRead],
      [8, ['the pipe: it has more than 3000000 bytes: the rest is not read.']],
    );
  });
});

describe('a file that is no capture', () => {
  for (const [name, bytes, what] of [
    [
      'manifest.json',
      undefined,
      /is a file beside the segments of a capture: give the folder that it is in, "\/.*\/"; for example amber verify /u,
    ],
    ['SHA256SUMS', Buffer.from('x'), /is a file beside the segments/u],
    [
      'passwd',
      Buffer.from('root:x:0:0:root:/root:/bin/bash\n'),
      /is no capture: give the folder that holds manifest\.json/u,
    ],
    ['empty', Buffer.alloc(0), /is no capture: give the folder/u],
    ['zeros', Buffer.alloc(4096), /is no capture: give the folder/u],
  ] as const) {
    test(`is a usage error that says what to give: ${name}`, async () => {
      const folder = join(freshFolder(), 'one');
      cpSync(at, folder, { recursive: true });
      if (bytes !== undefined) writeFileSync(join(folder, name), bytes);
      for (const more of [[], ['--all']]) {
        const { code, out, err } = await program(['verify', join(folder, name), ...more]);
        deepEqual([code, out], [2, '']);
        match(err, /^amber: USAGE: /u);
        match(err, what);
      }
    });
  }

  test('is not a tarball under another name, nor a damaged one under its own', async () => {
    const { folder } = await makeCapture({ compression: 'none' });
    for (const [from, to, expected] of [
      ['capture.tar', 'evidence', 0],
      ['capture.tar', 'evidence.tar', 0],
    ] as const) {
      const other = join(freshFolder(), to);
      cpSync(join(folder, from), other);
      const { code, out } = await program(['verify', other]);
      equal(code, expected + 1, out);
      match(out, /^cut: there is no manifest\.json/mu);
    }
    const junk = join(freshFolder(), 'capture-0003.tar.zst');
    writeFileSync(junk, 'junk');
    const { code, out } = await program(['verify', junk]);
    equal(code, 1);
    match(out, /^not checked {2}the tar stream is whole and well formed: nothing of it was read/mu);
    const first = join(freshFolder(), 'capture-0000.tar.zst');
    writeFileSync(first, 'junk');
    const judged = await program(['verify', first]);
    equal(judged.code, 1);
    match(judged.out, /^FAILED: /mu);
  });
});

test('a segment alone has exit code 1, as the help says', async () => {
  match(
    (await program(['verify', '--help'])).out,
    /1: failed, cut .*\na segment alone, which is a part of a capture, whatever holds of it/u,
  );
  const alone = join(freshFolder(), 'capture-0000.tar.zst');
  cpSync(join(at, 'capture-0000.tar.zst'), alone);
  for (const [path, more] of [
    [alone, []],
    [alone, ['--log', log]],
    [join(at, 'capture-0001.tar.zst'), ['--log', log]],
  ] as const) {
    const { code, out } = await program(['verify', path, ...more]);
    equal(code, 1, out);
    match(out, /^one segment alone: .*; verify the folder for all of them$/mu);
    doesNotMatch(out, /FAILED/u);
  }
});

test('bytes that are no text are told as they are', async () => {
  const file = join(freshFolder(), 'function.log');
  writeFileSync(file, Buffer.concat([Buffer.from('89504e470d0a1a0a', 'hex'), Buffer.alloc(5000, 0xfe)]));
  const { code, err } = await program(['verify', at, '--log', file]);
  equal(code, 3);
  match(
    err,
    /function\.log is neither text \(UTF-8 or UTF-16\) nor packed with gzip or zstd; its first bytes are 89 50 4e 47 0d 0a 1a 0a, in hexadecimal/u,
  );
  doesNotMatch(err, /efbfbd/u);
});

describe('a capture that is stored twice', () => {
  const run = builtAmber();

  test('counts once, and its copies are named', async () => {
    const base = freshFolder();
    for (const name of ['one', 'two']) cpSync(at, join(base, name, `capture=${CAPTURE_ID}`), { recursive: true });
    const { code, out } = await run(['verify', base, '--all', '--log', log]);
    equal(code, 0, out);
    match(
      out,
      new RegExp(
        `^capture ${CAPTURE_ID} is stored 2 times, with the same bytes: ${base}/one/capture=${CAPTURE_ID}/ and ${base}/two/`,
        'mu',
      ),
    );
    match(out, /^1 of 1 verified$/mu);
    const told = JSON.parse((await run(['verify', base, '--all', '--log', log, '--json'])).out) as {
      captures: number;
      results: unknown[];
      copies: { same: boolean; locations: string[] }[];
    };
    deepEqual(
      [told.captures, told.results.length, told.copies.length, told.copies[0]?.same, told.copies[0]?.locations.length],
      [1, 2, 1, true, 2],
    );
  });

  test('is not verified where one of them was changed', async () => {
    const base = freshFolder();
    for (const name of ['one', 'two']) cpSync(at, join(base, name, `capture=${CAPTURE_ID}`), { recursive: true });
    appendFileSync(join(base, 'two', `capture=${CAPTURE_ID}`, 'capture-0001.tar.zst'), 'x');
    const { code, out } = await run(['verify', base, '--all']);
    equal(code, 1);
    match(out, /is stored 2 times, and they differ/u);
    match(out, /^0 of 1 verified$/mu);
    rmSync(join(base, 'two'), { recursive: true });
    match((await run(['verify', base, '--all'])).out, /^1 of 1 verified$/mu);
  });

  const CHANGES: Readonly<Record<string, (folder: string) => void>> = {
    'its joined file has one byte more': (folder) => appendFileSync(join(folder, 'capture.tar.zst'), 'x'),
    'its manifest.json was edited, and SHA256SUMS refitted': (folder) =>
      writeManifest(folder, { ...readManifest(folder), redactions: 7 }),
    'an object lies beside it': (folder) => writeFileSync(join(folder, 'capture-0000.tar.zst'), 'junk'),
  };
  for (const [what, change] of Object.entries(CHANGES))
    test(`is told to differ where ${what}`, async () => {
      const base = freshFolder();
      const { folder } = await makeCapture();
      for (const name of ['one', 'two']) cpSync(folder, join(base, name), { recursive: true });
      change(join(base, 'two'));
      const { code, out } = await run(['verify', base, '--all']);
      equal(code, 1, out);
      match(out, new RegExp(`is stored 2 times, and they differ: .*\\n +- ${base}/two/: it`, 'u'));
      doesNotMatch(out, new RegExp(`- ${base}/one/: it`, 'u'));
      const told = JSON.parse((await run(['verify', base, '--all', '--json'])).out) as {
        copies: { same: boolean; differences: string[] }[];
      };
      deepEqual([told.copies[0]?.same, told.copies[0]?.differences.length], [false, 1]);
    });
});

describe('the tarball that is named itself', () => {
  const run = builtAmber();
  /** Without the name of the place. */
  const body = (out: string): string => out.split('\n').slice(1).join('\n');

  test('is verified as its folder is', async () => {
    const { folder } = await makeCapture();
    const [named, whole] = [await run(['verify', join(folder, 'capture.tar.zst')]), await run(['verify', folder])];
    deepEqual([named.code, body(named.out)], [0, body(whole.out)]);
    appendFileSync(join(folder, 'capture.tar.zst'), 'x');
    const [longer, both] = [await run(['verify', join(folder, 'capture.tar.zst')]), await run(['verify', folder])];
    deepEqual([longer.code, body(longer.out)], [1, body(both.out)]);
  });

  test('is said to be read alone where manifest.json names other files', async () => {
    const { folder } = await makeCapture();
    renameSync(join(folder, 'capture.tar.zst'), join(folder, 'evidence.tar.zst'));
    rmSync(join(folder, 'SHA256SUMS'));
    const { code, out } = await run(['verify', join(folder, 'evidence.tar.zst')]);
    equal(code, 0, out);
    doesNotMatch(out, /there is no manifest\.json|not all segments are there|\d of \d segments/u);
    match(out, /^ok +SHA-256 of the whole: [0-9a-f]{64}$/mu);
    match(out, /^not checked +SHA-256 of every segment: one file alone was given$/mu);
  });
});
