/** A tarball as three programs that Amber did not write read it: GNU tar, bsdtar (libarchive) and Python's tarfile. */
import assert from 'node:assert/strict';
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** One member as Python's tarfile tells of it; the name is a byte string. */
export interface Member {
  readonly name: string;
  readonly type: string;
  readonly size: number;
  readonly link: string;
  readonly sha256?: string;
  /** File with the body, for those that tests read. */
  readonly kept?: string;
}

export interface Reading {
  readonly members: readonly Member[];
  /** How often the forbidden text was found, anywhere in the tar stream. */
  readonly canary: number;
}

/** Kinds as in the first column of `tar -tv`. */
const LETTERS: Readonly<Record<string, string>> = { '0': '-', '2': 'l', '3': 'c', '4': 'b', '5': 'd', '6': 'p' };

const BYTES = { encoding: 'latin1', maxBuffer: 2 ** 30 } as const;
const C_LOCALE = { ...process.env, LC_ALL: 'C', TZ: 'UTC' };

/**
 * Reads a tarball (zstd) with all three, and fails unless they see the same members in the same order, of the same kind
 * and size, and the same bytes in them. `canary` is searched in the whole stream; `folder` takes Amber's own members.
 */
export async function readThreeWays(tarball: string, canary: string, folder: string): Promise<Reading> {
  const python = readByPython(tarball, canary, folder);
  const names = python.members.map(({ name, type }) => (type === '5' ? `${name.replace(/\/$/u, '')}/` : name));
  const kinds = python.members.map(
    ({ type, size }) => `${LETTERS[type] ?? '?'}${LETTERS[type] === '-' ? ` ${size}` : ''}`,
  );
  for (const program of ['tar', 'bsdtar']) {
    const listed = listBy(program, tarball);
    assertSame(listed.names, names, `names as ${program} lists them`);
    assertSame(listed.kinds, kinds, `kinds and sizes as ${program} lists them`);
    assert.equal(await bodiesBy(program, tarball), python.bodies, `${program} reads other bytes`);
  }
  return python;
}

/** As deepEqual, which takes minutes to show how 100,000 rows differ. */
function assertSame(seen: readonly string[], wanted: readonly string[], what: string): void {
  const at = wanted.findIndex((row, index) => seen[index] !== row);
  assert.ok(at < 0, `${what}: ${JSON.stringify(seen[at])} instead of ${JSON.stringify(wanted[at])}`);
  assert.equal(seen.length, wanted.length, what);
}

function readByPython(tarball: string, canary: string, folder: string): Reading & { readonly bodies: string } {
  const script = fileURLToPath(new URL('read-tar.py', import.meta.url));
  const shell = 'zstd -dc -- "$1" | python3 "$2" "$3" "$4"';
  const lines = execFileSync('bash', ['-o', 'pipefail', '-c', shell, '-', tarball, script, canary, folder], BYTES)
    .trimEnd()
    .split('\n');
  const end = JSON.parse(lines.pop() ?? '') as { bodies: string; canary: number };
  return { ...end, members: lines.map((line) => JSON.parse(line) as Member) };
}

function listBy(program: string, tarball: string): { names: string[]; kinds: string[] } {
  const flags = program === 'tar' ? ['--quoting-style=escape', '--numeric-owner', '--full-time'] : [];
  // GNU tar takes hdrcharset for an unknown keyword and says so; bytes are all that it knows.
  const { stdout, stderr, status } = spawnSync(program, [...flags, '--zstd', '-tvf', tarball], {
    ...BYTES,
    env: C_LOCALE,
  });
  assert.equal(status, 0, `${program}: ${stderr.slice(0, 2000)}`);
  assert.deepEqual(
    stderr.split('\n').filter((line) => line !== '' && !line.includes("'hdrcharset'")),
    [],
    program,
  );
  const row =
    program === 'tar'
      ? /^(.)\S+ \d+\/\d+ +(\d+)(?:,\d+)? \S+ \S+ +(.*)$/su
      : /^(.)\S+ +\d+ \S+ +\S+ +(\d+)(?:,\d+)? \w+ +\d+ +[\d:]+ (.*)$/su;
  const names: string[] = [];
  const kinds: string[] = [];
  for (const line of stdout.trimEnd().split('\n')) {
    const [, letter = '?', size = '', rest = ''] = row.exec(line) ?? [];
    kinds.push(letter === '-' ? `- ${size}` : letter);
    names.push(unescape(letter === 'l' ? beforeArrow(rest) : rest));
  }
  return { names, kinds };
}

/** A name may hold an arrow too; no hostile link of ours does, but its target may. */
function beforeArrow(text: string): string {
  return text.slice(0, text.indexOf(' -> '));
}

const ESCAPES: Readonly<Record<string, string>> = {
  a: '\x07',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
  '\\': '\\',
  ' ': ' ',
};

/** Both programs write what does not print as in C. */
function unescape(text: string): string {
  return text.replaceAll(/\\(?:([0-7]{3})|(.))/gsu, (all, octal?: string, letter?: string) =>
    octal === undefined ? (ESCAPES[letter ?? ''] ?? all) : String.fromCharCode(Number.parseInt(octal, 8)),
  );
}

/** SHA-256 of all bodies, one after the other. */
async function bodiesBy(program: string, tarball: string): Promise<string> {
  const child = spawn(program, ['--zstd', '-xOf', tarball], { env: C_LOCALE, stdio: ['ignore', 'pipe', 'ignore'] });
  const digest = createHash('sha256');
  for await (const chunk of child.stdout) digest.update(chunk as Buffer);
  return digest.digest('hex');
}

/** The text of a member that was kept. */
export function textOf(member: Member | undefined): string {
  assert.ok(member?.kept !== undefined, 'no such member');
  return readFileSync(member.kept, 'utf8');
}
