/** A part of a log that cannot be read: it is named, the rest is read, and the exit code says so. */
import { deepEqual, doesNotMatch, equal, match } from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync, renameSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { before, describe, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { readLogIndex } from '../../../src/case/log/lines.ts';
import { logFiles } from '../../../src/case/log/source.ts';
import { filesBelow } from '../../../src/case/log/walk.ts';
import { program } from '../../cli/program.ts';
import { CAPTURE_ID, freshFolder, makeCapture } from '../captures.ts';

let at: string;
let log: string;
before(async () => {
  const made = await makeCapture({ apart: true });
  at = join(freshFolder(), `capture=${CAPTURE_ID}`);
  renameSync(made.folder, at);
  log = made.log;
});

/** The folder of an export, with the log of the capture in it. */
function exported(): string {
  const folder = join(freshFolder(), 'export');
  mkdirSync(join(folder, 'aws'), { recursive: true });
  writeFileSync(join(folder, 'aws', 'function.log'), log);
  return folder;
}

/** What lies in the folder of a log beside it, and the line that tells of it. */
const BESIDE: Readonly<Record<string, readonly [(folder: string) => void, RegExp]>> = {
  'a file that is cut': [
    (folder) => writeFileSync(join(folder, 'a.gz'), Buffer.from('1f8b080000000000', 'hex')),
    /: not read: a\.gz: .*damaged/u,
  ],
  'a FIFO': [
    (folder) => execFileSync('mkfifo', [join(folder, 'b.log')]),
    /: not read: b\.log: it is neither a file nor a folder/u,
  ],
  'a link that leads out': [
    (folder) => symlinkSync('/etc/passwd', join(folder, 'c.log')),
    /: not read: c\.log: it is a symbolic link that leads out of the folder/u,
  ],
  'a link to nothing': [
    (folder) => symlinkSync('nowhere', join(folder, 'd.log')),
    /: not read: d\.log: it is a symbolic link to what cannot be reached/u,
  ],
  'packed data behind text': [
    (folder) => writeFileSync(join(folder, 'f.log'), Buffer.concat([Buffer.from('START\n'), gzipSync('END\n')])),
    /: not read: f\.log in part: packed data \(gzip\) begins at byte 6: unpack it first/u,
  ],
  'a file that its name hides': [
    (folder) => execFileSync('bash', ['-c', String.raw`printf '\x1f\x8b\x08\0\0' > "$1"/$'e-\xff.log'`, '-', folder]),
    /: not read: e-\\xff\.log: .*damaged/u,
  ],
};

describe('a part of a log that cannot be read', () => {
  for (const [name, [make, line]] of Object.entries(BESIDE)) {
    test(`is named, and is exit code 3 in every form: ${name}`, async () => {
      const folder = exported();
      make(folder);
      for (const argv of [
        ['verify', at, '--log', folder],
        ['verify', dirname(at), '--all', '--log', folder],
        ['report', dirname(at), '--log', folder, '--to', join(freshFolder(), 'case.html')],
      ]) {
        const { code, out, err } = await program(argv);
        equal(code, 3, `${argv.join(' ')}: ${out}${err}`);
        match(err, line);
        equal(err.match(/: not read: /gu)?.length, 1, err);
        doesNotMatch(out, /FAILED/u);
      }
      const told = JSON.parse((await program(['verify', at, '--log', folder, '--json'])).out) as {
        verdict: string;
        log: string;
        logNotRead: string[];
      };
      deepEqual([told.verdict, told.log, told.logNotRead.length], ['verified', 'read', 1]);
    });
  }

  test('takes nothing back: a capture that the rest of the log contradicts fails', async () => {
    const folder = exported();
    BESIDE['a FIFO']?.[0](folder);
    const changed = join(freshFolder(), `capture=${CAPTURE_ID}`);
    cpSync(at, changed, { recursive: true });
    writeFileSync(join(changed, 'capture-0001.tar.zst'), 'x');
    equal((await program(['verify', changed, '--log', folder])).code, 1);
  });

  test('is none where a link leads to what is read in its own place', async () => {
    const folder = exported();
    symlinkSync('aws/function.log', join(folder, 'latest.log'));
    symlinkSync('..', join(folder, 'aws', 'up'));
    const { code, out, err } = await program(['verify', at, '--log', folder]);
    deepEqual([code, err], [0, ''], out);
  });

  test('is none where a name is no UTF-8: the file is read', async () => {
    const folder = exported();
    execFileSync('bash', [
      '-c',
      String.raw`mkdir "$1"/$'\xfe' && mv "$1/aws/function.log" "$1"/$'\xfe'/$'\xff.log'`,
      '-',
      folder,
    ]);
    const { code, out, err } = await program(['verify', at, '--log', folder]);
    deepEqual([code, err], [0, ''], out);
    match(out, /7 segments have the digest that the log holds/u);
  });

  test('of the kernel is passed over whole: /proc waits, and has no end', async () => {
    const { code, out, err } = await program(['verify', at, '--log', '/proc']);
    equal(code, 3, out);
    match(err, /: not read: \.: the kernel makes it, and keeps no log there\.\n/u);
    const one = await program(['verify', at, '--log', '/proc/self/mem']);
    equal(one.code, 3, one.out);
    match(one.err, /: not read: mem: Reading .* failed \(EIO\)/u);
  });

  test('beyond a bound is named as well: names, depth, bytes', async () => {
    const folder = exported();
    for (const [limit, reason] of [
      [{ names: 1 }, 'aws: there are more than 1 name below the folder: the rest is not read.'],
      [{ depth: 0 }, 'aws: it lies more than 0 folders deep.'],
      [{ bytes: 10 }, 'aws/function.log: the files of the folder have more than 10 bytes: the rest is not read.'],
    ] as const) {
      const limits = { names: 1000, depth: 3, bytes: 1_000_000, ...limit };
      const { notRead } = await readLogIndex(filesBelow(folder, limits));
      deepEqual(notRead, [reason]);
    }
    deepEqual((await readLogIndex(logFiles(folder))).notRead, []);
  });
});

describe('lines of Amber that are no records', () => {
  test('are counted, and are not told as lines that are not there', async () => {
    const file = join(freshFolder(), 'function.log');
    const first = log.split('\n').find((line) => line.includes('"amber":"segment"')) ?? '';
    writeFileSync(file, `${log}${first.slice(0, -20)}\n{"amber":"capture","capture":17}\n`);
    const { code, err, out } = await program(['verify', at, '--log', file]);
    equal(code, 0, out);
    match(err, /^PROBLEM: .*: 2 lines of Amber in it are malformed: cut, or made up$/mu);
    writeFileSync(file, `${first.slice(0, -20)}\n`);
    const cut = await program(['verify', at, '--log', file]);
    equal(cut.code, 3);
    match(cut.out, /not read: there is no whole line of Amber in it: 1 line of Amber in it is malformed/u);
  });

  test('of evidence are malformed, not missing', async () => {
    const file = join(freshFolder(), 'function.log');
    writeFileSync(file, '{"amber":"evidence","capture":"x","part":1,"of":0}\n{"amber":"evidence","capture":"y"');
    const { code, err } = await program(['salvage', '--log', file]);
    equal(code, 1);
    match(err, /^amber: ARCHIVE_CORRUPT: No line .* can be read: 2 lines of Amber in it are malformed/u);
  });
});

describe('what the log says twice', () => {
  test('in other letters is one digest', async () => {
    const file = join(freshFolder(), 'function.log');
    const upper = log.replaceAll(/[0-9a-f]{64}/gu, (digest) => digest.toUpperCase());
    for (const text of [upper, `${log}${upper}`]) {
      writeFileSync(file, text);
      const { code, out } = await program(['verify', at, '--log', file]);
      equal(code, 0, out);
    }
  });

  test('of the end of a capture is told where it differs, and none of both is believed alone', async () => {
    const file = join(freshFolder(), 'function.log');
    writeFileSync(file, `${log}${log}`);
    equal((await program(['verify', at, '--log', file])).code, 0);
    for (const line of [
      { state: 'failed', segments: 0 },
      { state: 'whole', segments: 3 },
      { state: 'whole', segments: 7, location: 's3://other/place' },
      { state: 'whole', segments: 7, elapsedMs: 12 },
      { state: 'whole', segments: 7, outcomes: { collected: 1 } },
      { state: 'whole', segments: 7, completeness: 'complete' },
    ]) {
      writeFileSync(file, `${log}${JSON.stringify({ amber: 'capture', capture: CAPTURE_ID, ...line })}\n`);
      const { code, out } = await program(['verify', at, '--log', file]);
      equal(code, 1, JSON.stringify(line));
      match(out, /the log has 2 different last lines of the capture \(.*\): .* none is believed alone/u);
    }
  });

  test('of the end of a capture is told by the members that differ', async () => {
    const file = join(freshFolder(), 'function.log');
    const last = { amber: 'capture', capture: CAPTURE_ID, state: 'whole', segments: 7, elapsedMs: 10 };
    const other = { ...last, elapsedMs: 99, reason: `a${'b'.repeat(3000)}c` };
    const third = { ...other, reason: `a${'b'.repeat(3000)}d` };
    writeFileSync(
      file,
      [log, last, other, third].map((one) => (typeof one === 'string' ? one : JSON.stringify(one))).join('\n'),
    );
    const { out } = await program(['verify', at, '--log', file]);
    match(
      out,
      /the log has 4 different last lines of the capture \(elapsedMs not there \| 10 \| 99; reason not there \| ab+… /u,
    );
  });

  test('of a segment is told where state or bytes differ', async () => {
    const file = join(freshFolder(), 'function.log');
    const line = log.split('\n').find((one) => one.includes('"amber":"segment"')) ?? '';
    const record = JSON.parse(line.slice(line.indexOf('{'))) as { bytes: number };
    for (const [change, told] of [
      [{ state: 'lost' }, 'state stored \\| lost'],
      [{ bytes: record.bytes + 1 }, `bytes ${record.bytes} \\| ${record.bytes + 1}`],
    ] as const) {
      writeFileSync(file, `${log}${JSON.stringify({ ...record, ...change })}\n`);
      const { code, out } = await program(['verify', at, '--log', file]);
      equal(code, 1, out);
      match(out, new RegExp(`the log has 2 different lines of segment 0 \\(${told}\\): a capture writes one`, 'u'));
    }
  });

  test('of the evidence in the last line is held against manifest.json', async () => {
    const file = join(freshFolder(), 'function.log');
    const { completeness, outcomes } = JSON.parse(readFileSync(join(at, 'manifest.json'), 'utf8')) as {
      completeness: { state: string };
      outcomes: Record<string, number>;
    };
    const sorted = Object.fromEntries(Object.entries(outcomes).sort().reverse());
    const said = (members: Readonly<Record<string, unknown>>): void =>
      writeFileSync(
        file,
        log.replace(/("amber":"capture","capture":"[^"]*")/u, `$1,${JSON.stringify(members).slice(1, -1)}`),
      );
    said({ completeness: completeness.state, outcomes: sorted });
    equal((await program(['verify', at, '--log', file])).code, 0);
    said({ completeness: 'partial', code: 'DESTINATION_DENIED', error: 'the commit failed' });
    equal((await program(['verify', at, '--log', file])).code, 0);
    for (const [members, told] of [
      [{ completeness: completeness.state === 'partial' ? 'complete' : 'partial' }, 'completeness'],
      [{ outcomes: { ...outcomes, denied: 77 } }, 'outcomes'],
    ] as const) {
      said(members);
      const { code, out } = await program(['verify', at, '--log', file]);
      equal(code, 1, out);
      match(out, new RegExp(`the last line in the log says ${told} .*, manifest\\.json says `, 'u'));
    }
  });
});
