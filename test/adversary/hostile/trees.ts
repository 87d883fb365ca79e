/** Trees as an attacker writes them into /tmp. Each generator fills an empty directory and says what must be found. */
import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  closeSync,
  existsSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openDirectory, openRoot } from '../../../src/fs/open.ts';

/** A fresh directory, and what removes it whatever is in it. `large`: on tmpfs where there is one, for many files. */
export function freshTree(large = false): { path: string; remove: () => void } {
  const path = mkdtempSync(join(large && existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'amber-tree-'));
  return { path, remove: () => execFileSync('rm', ['-rf', path]) };
}

/** Names that break line-based formats, terminals, shells, decoders and string prefixes. One character a byte. */
export const HOSTILE_NAMES: readonly string[] = [
  'plain',
  'new\nline',
  'carriage\rreturn',
  '\x1b[31mred\x1b[0m',
  '\x07bell\x7f',
  '\xff\xfe\x80not-utf8',
  '\xc3\xa9-utf8', // é
  '\xc2\x85next-line', // C1 control, valid UTF-8
  '\xe2\x80\xaetxt.exe', // right-to-left override
  '\xed\xa0\x80surrogate',
  'pipe|pipe',
  '100%25|%0A',
  'back\\slash\\x41',
  'arrow -> target',
  '...',
  '.. ',
  '-rf',
  '--checkpoint-action=exec=sh',
  '#comment',
  ' ',
  '*',
  '$(id)',
  '"quoted\'',
  '[root]',
  'C:\\windows',
  'name (deleted)',
  '%2e%2e%2f%2e%2e%2fetc%2fpasswd',
  '..\\..\\etc\\passwd',
  '\xef\xbc\x8e\xef\xbc\x8e\xe2\x88\x95etc\xe2\x88\x95passwd', // full-width dots and division slashes
  '\n21 path=in-a-record\n', // as a line of a pax header would be
  '|0|forged|1|r-rrwxrwxrwx|0|0|0|0|0|0|0', // as a row of a bodyfile
  'n'.repeat(255),
  '\n'.repeat(255),
  '\xff'.repeat(255),
];

/** One small file for each of {@link HOSTILE_NAMES}. Its content is its number. */
export function writeHostileNames(directory: string): void {
  for (const [index, name] of HOSTILE_NAMES.entries()) writeFileSync(bytePath(directory, name), String(index));
}

/** A path whose last component is a byte string. */
export function bytePath(directory: string, name: string): Buffer {
  return Buffer.concat([Buffer.from(`${directory}/`), Buffer.from(name, 'latin1')]);
}

/** FIFO, links to endless and forbidden things, loops, hard links, a sparse file of 10 GB, mode 000, an empty file. */
export function writeSpecials(directory: string): void {
  execFileSync('mkfifo', [join(directory, 'fifo')]);
  symlinkSync('/proc/kcore', join(directory, 'to-kcore'));
  symlinkSync('/dev/zero', join(directory, 'to-zero'));
  symlinkSync('/etc/passwd', join(directory, 'to-passwd'));
  symlinkSync('loop-b', join(directory, 'loop-a'));
  symlinkSync('loop-a', join(directory, 'loop-b'));
  symlinkSync('.', join(directory, 'to-itself'));
  symlinkSync('/', join(directory, 'to-root'));
  symlinkSync(Buffer.from('\xff|\n -> x', 'latin1'), join(directory, 'to-nowhere'));
  writeFileSync(join(directory, 'first-name'), 'one inode');
  linkSync(join(directory, 'first-name'), join(directory, 'second-name'));
  linkSync(join(directory, 'first-name'), join(directory, 'third-name'));
  writeFileSync(join(directory, 'sparse'), '');
  truncateSync(join(directory, 'sparse'), 10_000_000_000);
  writeFileSync(join(directory, 'locked'), 'no permission');
  chmodSync(join(directory, 'locked'), 0);
  writeFileSync(join(directory, 'empty'), '');
}

/** Device nodes that never end or never answer. Needs CAP_MKNOD; false without it. */
export function writeDevices(directory: string): boolean {
  const nodes = [
    ['null', 'c', '1', '3'],
    ['zero', 'c', '1', '5'],
    ['kmsg', 'c', '1', '11'],
    ['tty', 'c', '5', '0'],
    ['loop', 'b', '7', '0'],
  ];
  try {
    for (const [name = '', ...numbers] of nodes)
      execFileSync('mknod', [join(directory, `device-${name}`), ...numbers], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

/** A listening unix socket. Resolves to what closes it. */
export async function listenAt(path: string): Promise<() => void> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(path, resolve));
  return () => server.close();
}

/** Directories below each other, each with a file `at-N`. Paths pass PATH_MAX when names are long. */
export function writeDeep(directory: string, levels: number, name: string): void {
  let at = openRoot(directory);
  for (let level = 1; level <= levels; level += 1) {
    mkdirSync(`/proc/self/fd/${at}/${name}`);
    const next = openDirectory(at, name);
    closeSync(at);
    at = next;
    writeFileSync(`/proc/self/fd/${at}/at-${level}`, String(level));
  }
  closeSync(at);
}

/** Many empty files in one directory. */
export function writeMany(directory: string, count: number): void {
  for (let index = 0; index < count; index += 1) closeSync(openSync(`${directory}/f${index}`, 'w'));
}
