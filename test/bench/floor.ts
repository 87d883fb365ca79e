/**
 * A program of the benchmark: the system calls and the digest of each file that the archive of /tmp cannot do without,
 * and nothing else: no tar, no manifest, no digest of segments. What is above it is ours; what is below, Node's and the
 * kernel's.
 *
 *     node floor.mjs DIR
 */
import { hash } from 'node:crypto';
import { closeSync, constants, fstatSync, lstatSync, openSync, readdirSync, readlinkSync, readSync } from 'node:fs';
import { join } from 'node:path';

const O_PATH = 0o10000000;
const FILE =
  constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK | constants.O_NOCTTY | constants.O_NOATIME;
const EXACT = { bigint: true } as const;
const buffer = Buffer.allocUnsafeSlow(8 * 1024 * 1024);
const descriptors = `/proc/${readlinkSync('/proc/self')}/fd/`;

const root = process.argv[2] ?? '';
const listed: { readonly fd: number; readonly name: string }[] = [];
for (const directory of readdirSync(root)) {
  const path = join(root, directory);
  if (!lstatSync(path).isDirectory()) continue;
  const fd = openSync(path, O_PATH | constants.O_DIRECTORY);
  for (const name of readdirSync(path)) {
    lstatSync(`${descriptors}${fd}/${name}`, EXACT);
    listed.push({ fd, name });
  }
}
let bytes = 0;
for (const { fd, name } of listed) {
  const file = openSync(`${descriptors}${fd}/${name}`, FILE);
  const size = Number(fstatSync(file, EXACT).size);
  const read = readSync(file, buffer, 0, size, 0);
  bytes += hash('sha256', buffer.subarray(0, read), 'hex').length > 0 ? read : 0;
  fstatSync(file, EXACT);
  closeSync(file);
}
console.log(JSON.stringify({ files: listed.length, bytes }));
