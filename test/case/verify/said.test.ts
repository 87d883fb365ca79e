/** What verify says of an object is what is so: gone, unusable, or no file at all. */
import { doesNotMatch, equal, match } from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, describe, test } from 'node:test';
import type { CaptureManifest } from '../../../src/seal/commit.ts';
import { program } from '../../cli/program.ts';
import { freshFolder, makeCapture, type MadeCapture } from '../captures.ts';

let made: MadeCapture;
before(async () => {
  made = await makeCapture({ apart: true });
});

/** A copy of the capture, with the log of its function beside it. */
function copy(): { readonly at: string; readonly log: string } {
  const base = freshFolder();
  const at = join(base, 'capture');
  cpSync(made.folder, at, { recursive: true });
  writeFileSync(join(base, 'function.log'), made.log);
  return { at, log: join(base, 'function.log') };
}

const LINE = (what: string, said: string): RegExp => new RegExp(`^(?:not checked|FAILED) +${what}: ${said}`, 'mu');

test('where only manifest.json is gone, no segment is said to be', async () => {
  const { at } = copy();
  rmSync(join(at, 'manifest.json'));
  const { code, out } = await program(['verify', at]);
  equal(code, 1);
  match(
    out,
    LINE('SHA-256 of the whole', 'there is no manifest\\.json to compare with; what is there has [0-9a-f]{64}'),
  );
  doesNotMatch(out, /not all segments are there/u);
});

describe('a manifest.json that is there and not usable', () => {
  const KINDS: Readonly<Record<string, readonly [(path: string) => void, RegExp]>> = {
    'that is no JSON': [(path) => writeFileSync(path, 'x'), /manifest\.json is not usable: it is not JSON/u],
    'that is a link': [
      (path) => {
        renameSync(path, `${path}.kept`);
        symlinkSync(`${path}.kept`, path);
      },
      /manifest\.json is not usable: it is a symbolic link, and links are not followed/u,
    ],
    'that is a folder': [
      (path) => {
        rmSync(path);
        mkdirSync(path);
      },
      /manifest\.json is not usable: it is a folder/u,
    ],
    'that is a FIFO': [
      (path) => {
        rmSync(path);
        execFileSync('mkfifo', [path]);
      },
      /manifest\.json is not usable: it is a FIFO/u,
    ],
  };
  for (const [name, [change, said]] of Object.entries(KINDS))
    test(`is not said to be gone: ${name}`, async () => {
      const { at, log } = copy();
      change(join(at, 'manifest.json'));
      for (const argv of [
        ['verify', at],
        ['verify', at, '--log', log],
        ['show', at],
      ]) {
        const { code, out, err } = await program(argv);
        equal(code, 1, argv.join(' '));
        match(`${out}${err}`, said);
        doesNotMatch(`${out}${err}`, /no manifest\.json|manifest\.json .*(?:not stored|never there)/u);
      }
    });
});

test('a link in the place of a segment is told as one', async () => {
  const { at } = copy();
  const segment = join(at, 'capture-0001.tar.zst');
  renameSync(segment, `${segment}.kept`);
  symlinkSync(`${segment}.kept`, segment);
  const { code, out } = await program(['verify', at]);
  equal(code, 1);
  match(out, /capture-0001\.tar\.zst is not a file: it is a symbolic link, and links are not followed/u);
});

test('a receipt that holds no digest is told as that', async () => {
  for (const [checksum, said] of [
    ['', 'holds "", which is no SHA-256'],
    ['AAAA', 'holds "AAAA", which is no SHA-256'],
    [null, 'holds null, which is no SHA-256'],
  ] as const) {
    const { at } = copy();
    const path = join(at, 'manifest.json');
    const manifest = JSON.parse(readFileSync(path, 'utf8')) as { segments: { receipt: Record<string, unknown> }[] };
    manifest.segments[0]!.receipt['checksum'] = checksum;
    writeFileSync(path, JSON.stringify(manifest));
    const { code, out } = await program(['verify', at]);
    equal(code, 1);
    match(out, new RegExp(`- the receipt of capture-0000\\.tar\\.zst ${said}`, 'u'));
    doesNotMatch(out, /acknowledged .* as ,/u);
  }
});

test('SHA256SUMS in upper case has the same digests', async () => {
  const { at } = copy();
  const sums = execFileSync('bash', ['-c', 'sha256sum -- *'], { cwd: at, encoding: 'utf8' });
  writeFileSync(
    join(at, 'SHA256SUMS'),
    sums.replaceAll(/^[0-9a-f]{64}/gmu, (digest) => digest.toUpperCase()),
  );
  const { code, out } = await program(['verify', at]);
  equal(code, 0, out);
  match(out, /^ok +SHA256SUMS: \d+ files have the digests of SHA256SUMS$/mu);
});

describe('what manifest.json repeats of the parts', () => {
  const FORGED: Readonly<Record<string, readonly [(manifest: CaptureManifest) => object, RegExp]>> = {
    'bytes of tar': [
      ({ tarball }) => ({ tarball: { ...tarball, tarBytes: tarball.tarBytes + 512 } }),
      /the segments hold \d+ bytes of tar, manifest\.json says \d+ in all/u,
    ],
    'an exception that is taken out': [() => ({ exceptions: [] }), /manifest\.json names 0 exceptions, the parts 1/u],
    'an exception with another path': [
      ({ exceptions: [first] }) => ({ exceptions: [{ ...first, path: '[root]/tmp/harmless' }] }),
      /exception 1 is \{"path":"\[root\]\/tmp\/harmless",.* in manifest\.json, \{"path":"\[root\]\/proc\/8"/u,
    ],
    'an exception with another reason': [
      ({ exceptions: [first] }) => ({ exceptions: [{ ...first, reason: 'not of interest' }] }),
      /exception 1 is .*"reason":"not of interest"\} in manifest\.json/u,
    ],
  };
  for (const [name, [forge, says]] of Object.entries(FORGED)) {
    test(`is held against them: ${name}`, async () => {
      const { at } = copy();
      const manifest = JSON.parse(readFileSync(join(at, 'manifest.json'), 'utf8')) as CaptureManifest;
      writeFileSync(join(at, 'manifest.json'), JSON.stringify({ ...manifest, ...forge(manifest) }));
      const { code, out } = await program(['verify', at]);
      equal(code, 1, out);
      match(out, says);
    });
  }
});
