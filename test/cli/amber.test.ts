import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, unlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { encodeHeader } from '../../src/archive/header.ts';
import { EXIT } from '../../src/cli/amber.ts';
import { COMMANDS } from '../../src/cli/index.ts';
import { openIdentity } from '../../src/seal/age-open.ts';
import { freshFolder, makeCapture } from '../case/captures.ts';
import { IDENTITY } from '../case/checking.ts';
import { program } from './program.ts';
import { amber, hostile, parsed } from './running.ts';

describe('amber', () => {
  test('tells what it can do, and each command what it takes', async () => {
    const overview = await parsed('--help');
    assert.equal(overview.code, EXIT.ok);
    for (const [name, load] of Object.entries(COMMANDS)) {
      const command = await load();
      assert.equal(command.name, name);
      assert.match(overview.out, new RegExp(`^ +amber ${name} +\\S`, 'mu'));
      for (const argv of [
        [name, '--help'],
        ['help', name],
        [name, '-h', 'whatever'],
      ]) {
        const help = await parsed(...argv);
        assert.equal(help.code, EXIT.ok);
        assert.match(help.out, new RegExp(`^amber ${name} `, 'u'));
        for (const option of Object.keys(command.options))
          assert.match(help.out, new RegExp(`--${option}\\b`, 'u'), `${name} --${option}`);
        assert.match(help.out, /--json/u);
      }
      assert.equal((JSON.parse((await parsed(name, '--help', '--json')).out) as { name: string }).name, name);
    }
    assert.match((await parsed('--version')).out, /^\d+\.\d+\.\d+\n$/u);
  });

  test('answers wrong usage in one line, with exit code 2', async () => {
    for (const [argv, message] of [
      [[], /^amber \d/u],
      [['nonsense'], /There is no command "nonsense"/u],
      [['captuers'], /for example amber captures --help\./u],
      [['verify'], /LOCATION is missing/u],
      [['verify', 'a', 'b'], /There is "b" behind LOCATION; expected one LOCATION/u],
      [['verify', '--nope', 'x'], /There is no option "--nope"; expected one of --all, /u],
      [['show', 'ftp://x'], /neither s3:/u],
      [['decrypt', 'x'], /--identity FILE is missing/u],
      [['pull', 'x', '--max-bytes', 'much'], /--max-bytes is "much"/u],
      [['constructor'], /no command/u],
      [['show', 'x', '--lines', 'many'], /--lines is "many"/u],
      [['captures', 's3://bucket', '--endpoint', 'nope'], /--endpoint is "nope"; expected an URL/u],
    ] as const) {
      const { code, out, err } = await amber(...argv);
      assert.equal(code, EXIT.usage, argv.join(' '));
      assert.match(argv.length === 0 ? out : err, message);
      if (argv.length > 0) assert.match(err, /^amber: [A-Z_]+: [^\n]+\n$/u);
    }
  });

  test('says what is not there with exit code 3, as JSON where that is asked for', async () => {
    const folder = freshFolder();
    for (const argv of [
      ['verify', join(folder, 'no')],
      ['show', folder],
      ['pull', folder],
      ['salvage', join(folder, 'no')],
      ['verify', folder, '--identity', join(folder, 'key')],
      ['captures', `file://${folder}/no`],
    ]) {
      const { code, err } = await amber(...argv);
      assert.equal(code, EXIT.unreachable, `${argv.join(' ')}: ${err}`);
      assert.match(err, /^amber: CASE_MISSING: [^\n]+\n$/u);
      const json = await amber(...argv, '--json');
      assert.equal(json.err, '');
      assert.equal((JSON.parse(json.out) as { error: { code: string } }).error.code, 'CASE_MISSING');
    }
    const empty = await amber('captures', folder);
    assert.deepEqual([empty.code, empty.out], [EXIT.unreachable, '']);
    assert.match(empty.err, /There is no capture below/u);
  });

  test('lists, verifies and shows the one capture below a folder', async () => {
    const made = await makeCapture();
    const list = await amber('captures', made.base);
    assert.equal(list.code, 0);
    assert.match(
      list.out,
      /^STARTED +STATE .*\n2025-06-30 09:16:40Z +whole +checkout +flag +\S+ KiB in \d+ +partial: 1 denied \(EACCES\) +none +\S+capture=/u,
    );
    const log = join(freshFolder(), 'log');
    writeFileSync(log, made.log);
    const verified = await amber('verify', made.base, '--log', log);
    assert.equal(verified.code, 0, verified.out + verified.err);
    assert.match(verified.out, /^ok +SHA-256 of every segment: /mu);
    assert.match(verified.out, /^not checked +who made it: a capture is not signed/mu);
    assert.match(
      verified.out,
      /\nverified: everything that was checked holds; 2 checks could not be made; evidence partial: 1 denied \(EACCES\)\n$/u,
    );
    const shown = await amber('show', made.base);
    assert.equal(shown.code, 0);
    assert.match(shown.out, /^cause +flag: AMBER_CAPTURE is now$/mu);
    assert.doesNotMatch(shown.out + verified.out + list.out, /\u001b/u, 'no colours where there is no terminal');
    assert.equal(
      (JSON.parse((await amber('captures', made.base, '--json')).out) as { captures: unknown[] }).captures.length,
      1,
    );
    assert.equal((JSON.parse((await amber('show', made.base, '--json')).out) as { items: number }).items, 28);
  });

  test('explains the two words and the bounds of what is shown where they are met', async () => {
    for (const name of ['captures', 'verify', 'show', 'report', 'collect']) {
      const { out } = await amber(name, '--help');
      assert.match(
        out,
        /`whole` or `cut` is the state of the commit[\s\S]*`complete` or `partial` is the evidence/u,
        name,
      );
    }
    assert.match(
      (await amber('--help')).out,
      /`whole` or `cut` is the state of the commit, `complete` or `partial` that of the evidence/u,
    );
    assert.match(
      (await amber('report', '--help')).out,
      /1,000 rows of each list, fewer where a case has more than ten captures[\s\S]*1,000 others/u,
    );
    assert.match((await amber('show', '--help')).out, /first 1,000 items; documents are read up to 12 MiB/u);
  });

  test('says that a capture was ended early, and why', async () => {
    const { folder, base } = await makeCapture();
    const file = join(folder, 'manifest.json');
    writeFileSync(
      file,
      JSON.stringify({ ...(JSON.parse(readFileSync(file, 'utf8')) as object), endedEarly: 'a signed order to stop' }),
    );
    assert.match((await amber('captures', base)).out, / whole, ended early +checkout/u);
    assert.match((await amber('show', base)).out, /^ended early +a signed order to stop$/mu);
  });

  test('says of what is no capture that it is none', async () => {
    const folder = freshFolder();
    const foreign = join(folder, 'other.tar');
    writeFileSync(
      foreign,
      Buffer.concat([
        encodeHeader({ path: 'f', type: '0', mode: 0o644, size: 0, mtimeSeconds: 1 }),
        Buffer.alloc(1024),
      ]),
    );
    const junk = join(folder, 'junk');
    mkdirSync(junk);
    writeFileSync(join(junk, 'manifest.json'), 'x');
    const noise = join(folder, 'capture.tar.zst');
    writeFileSync(noise, 'no archive');
    for (const argv of [
      ['verify', foreign],
      ['show', foreign],
      ['timeline', foreign],
      ['salvage', foreign],
      ['verify', junk],
      ['show', junk],
      ['salvage', junk],
      ['timeline', junk],
      ['verify', noise],
      ['show', noise],
      ['salvage', noise],
      ['timeline', noise],
    ]) {
      const { code, out, err } = await amber(...argv);
      assert.equal(code, EXIT.problem, `${argv.join(' ')}: ${out}${err}`);
    }
    assert.match((await amber('show', foreign)).err, /this is not an Amber capture/u);
    assert.match((await amber('timeline', foreign)).err, /this is not an Amber capture/u);
    const device = await amber('verify', '/dev/null');
    assert.equal(device.code, EXIT.usage);
    assert.match(
      device.err,
      /^amber: USAGE: "\/dev\/null" is neither a file nor a folder; .*; for example amber verify .+\.\n$/u,
    );
  });

  test('verifies every capture of a case, and fails if one of them does', async () => {
    const one = await makeCapture();
    const other = await makeCapture({ into: one.base, captureId: '0197c0de-0000-7000-8000-0000000000bb' });
    const alone = await amber('verify', one.base);
    assert.equal(alone.code, EXIT.usage);
    assert.match(alone.err, /several captures below/u);
    const all = await amber('verify', one.base, '--all');
    assert.equal(all.code, 0, all.err);
    assert.match(all.out, /\n2 of 2 verified\n$/u);
    const path = join(other.folder, 'capture.tar.zst');
    const body = readFileSync(path);
    body[100]! ^= 1;
    writeFileSync(path, body);
    const spoiled = await amber('verify', one.base, '--all', '--json');
    assert.equal(spoiled.code, EXIT.problem);
    assert.deepEqual(
      (JSON.parse(spoiled.out) as { results: { verdict: string }[] }).results.map(({ verdict }) => verdict).sort(),
      ['failed', 'verified'],
    );
    assert.equal((await amber('verify', one.base, '--all', '--log', '-')).code, EXIT.usage);
    assert.equal((await amber('verify', freshFolder(), '--all')).code, EXIT.unreachable);
  });

  test('fails a verification with exit code 1 and the finding', async () => {
    const made = await makeCapture();
    const path = join(made.folder, 'capture.tar.zst');
    const body = readFileSync(path);
    body[100]! ^= 1;
    writeFileSync(path, body);
    const { code, out } = await amber('verify', made.folder);
    assert.equal(code, EXIT.problem);
    assert.match(
      out,
      /^FAILED +SHA-256 of every segment\n +- capture-0000\.tar\.zst is [0-9a-f]{64}, manifest\.json says/mu,
    );
    assert.equal(
      (JSON.parse((await amber('verify', made.folder, '--json')).out) as { verdict: string }).verdict,
      'failed',
    );
  });

  test('pulls, decrypts and salvages', async () => {
    const key = join(freshFolder(), 'key.txt');
    writeFileSync(key, IDENTITY);
    const made = await makeCapture({ apart: true, recipient: openIdentity(IDENTITY).recipients[0]! });
    const target = join(freshFolder(), 'case');
    const pulled = await amber('pull', made.folder, '--to', target, '-i', key, '--extract');
    assert.equal(pulled.code, 0, pulled.err);
    assert.match(pulled.out, /joined to capture\.tar\.zst\n(?: {2}[0-9a-f]{64} {2}\S+\n)+unpacked 29 files/u);
    assert.equal((await amber('verify', target, '--identity', key)).code, 0);
    assert.equal((await amber('pull', made.folder, '--to', target)).code, EXIT.usage, 'nothing is overwritten');
    const plain = await amber('decrypt', made.folder, '-i', key, '--to', join(freshFolder(), 'capture.tar.zst'));
    assert.equal(plain.code, 0, plain.err);
    assert.match(plain.err, /age does not authenticate a sender/u);
    unlinkSync(join(made.folder, made.segments[1]!.name));
    unlinkSync(join(made.folder, 'manifest.json'));
    const salvaged = await amber('salvage', made.folder, '-i', key, '--to', join(freshFolder(), 'salvaged'));
    assert.equal(salvaged.code, EXIT.problem);
    assert.match(salvaged.out, /1 segment is not there: number 1$/mu);
    assert.match(salvaged.out, /^whole +8 segment 0 {2}live_response\/note\.txt$/mu);
    const json = JSON.parse((await amber('salvage', made.folder, '-i', key, '--json')).out) as {
      missing: number[];
      entries: unknown[];
    };
    assert.deepEqual(json.missing, [1]);
    assert.ok(json.entries.length >= 5);
    assert.equal((await amber('verify', made.folder, '-i', key)).code, EXIT.problem);
    assert.equal((await amber('verify', made.folder)).code, EXIT.problem);
  });

  test('lets no name of a capture write to the terminal, with colours and without', async () => {
    const made = await makeCapture({ entries: hostile() });
    for (const tty of [false, true]) {
      for (const argv of [
        ['show', made.base, '-n', '100'],
        ['verify', made.base],
        ['salvage', made.base],
        ['captures', made.base],
        ['show', made.base, '--json'],
        ['salvage', made.base, '--json'],
      ]) {
        const { out, err } = await program(argv, { tty, env: { TERM: 'xterm' } });
        const plain = `${out}${err}`.replaceAll(/\u001b\[(?:32|31;1|2|1|0)m/gu, '');
        assert.doesNotMatch(plain.replaceAll(/\r[^\r\n]*/gu, ''), /(?!\n)[\p{Cc}\p{Cf}]/u, argv.join(' '));
      }
    }
    const { out } = await amber('show', made.base);
    assert.match(
      out,
      /^ {2}1 uid 993 .*\/sbin\/init\n {2}└─ 7 uid 993 .* node index\.mjs \[exe \/var\/lang\/bin\/node, the function\]\n {5}└─ 9 uid 993 .* \/tmp\/\.x \\x1b\[31mred.*\[EXECUTABLE DELETED, sha256 (?:ab){32}\]$/mu,
    );
    assert.match(out, /^ {2}\? 11 uid 1 /mu);
    assert.match(
      out,
      /^ {2}tcp +ESTABLISHED +169\.254\.76\.1:4000 +203\.0\.113\.9:4444 +9\/\\x1b\[31mred.* fd 3\n {2}tcp +LISTEN/mu,
    );
    assert.match(out, /recovered\/9\/exe +collected/u);
    assert.match(
      out,
      /^Findings\n {2}high +T1055 +swap +the runtime runs \\x1b\[31mred.*; \/proc\/9\/exe; 7\n {2}low +T1105 +quiet +an archive in \/tmp; \/tmp\/a\.zip$/mu,
    );
    assert.match(out, /^ {2}failed +\[root\]\/tmp\/\\xff: /mu);
  });

  test('colours where there is a terminal, and not with NO_COLOR', async () => {
    const made = await makeCapture();
    assert.match((await program(['verify', made.base], { tty: true, env: { TERM: 'xterm' } })).out, /\u001b\[32mok/u);
    for (const env of [{ NO_COLOR: '1' }, { TERM: 'dumb' }])
      assert.doesNotMatch((await program(['verify', made.base], { tty: true, env })).out, /\u001b/u);
  });
});
