/**
 * The program of the child that reads what may never answer. Text, because a function that is bundled has no second
 * file, and because nothing of ours is to be loaded there. It gets a job as JSON on its standard input and writes
 * frames: a head as JSON with its length before it, then the body in pieces with their lengths, ended by a length of 0.
 */
export const ASIDE_SCRIPT: string = String.raw`/* lambda-amber: reads what may never answer, and may be abandoned */
'use strict';
const fs = require('node:fs');
const { O_RDONLY, O_NONBLOCK, O_NOFOLLOW, O_NOCTTY, O_DIRECTORY } = fs.constants;
const PATH = 0o10000000, CHUNK = 65536, DEPTH = 128;
const job = JSON.parse(fs.readFileSync(0, 'utf8'));
const put = (bytes) => {
  for (let at = 0; at < bytes.length; ) {
    try { at += fs.writeSync(1, bytes, at); } catch (error) { if (error.code !== 'EAGAIN') process.exit(0); }
  }
};
const length = (count) => { const four = Buffer.alloc(4); four.writeUInt32BE(count); return four; };
const head = (facts) => { const text = Buffer.from(JSON.stringify(facts)); put(length(text.length)); put(text); };
const NUMBERS = [
  'dev', 'ino', 'mode', 'nlink', 'uid', 'gid', 'rdev', 'size', 'blksize', 'blocks',
  'atimeNs', 'mtimeNs', 'ctimeNs', 'birthtimeNs',
];
const factsOf = (stat) => Object.fromEntries(NUMBERS.map((name) => [name, String(stat[name])]));
const whole = (path, stat, fd) => {
  const body = Number(stat.size) <= job.most;
  head({ path, stat: factsOf(stat), body });
  const buffer = Buffer.allocUnsafe(CHUNK);
  for (let at = 0, size = Number(stat.size); body && at < size; ) {
    let count = 0;
    try { count = fs.readSync(fd, buffer, 0, Math.min(CHUNK, size - at), at); } catch { }
    if (count === 0) break;
    put(length(count)); put(buffer.subarray(0, count));
    at += count;
  }
  if (body) put(length(0));
};
const failed = (path, error, stat) =>
  head({ path, problem: error.code || String(error.message), ...(stat ? { stat: factsOf(stat) } : {}) });
const file = (name, path, flags) => {
  const fd = fs.openSync(name, O_RDONLY | O_NONBLOCK | O_NOCTTY | flags);
  try {
    const stat = fs.fstatSync(fd, { bigint: true });
    if (stat.isFile()) whole(path, stat, fd); else head({ path, stat: factsOf(stat) });
  } finally { fs.closeSync(fd); }
};
let left = job.entries, beyond = 0, device;
const tree = (fd, path, depth) => {
  for (const name of fs.readdirSync('/proc/self/fd/' + fd, 'latin1')) {
    if (left <= 0) { beyond += 1; continue; }
    left -= 1;
    const inner = path + '/' + name, at = Buffer.from('/proc/self/fd/' + fd + '/' + name, 'latin1');
    let stat;
    try {
      stat = fs.lstatSync(at, { bigint: true });
      if (stat.isFile()) { file(at, inner, O_NOFOLLOW); continue; }
      const facts = { path: inner, stat: factsOf(stat) };
      if (stat.isSymbolicLink()) facts.target = fs.readlinkSync(at, 'latin1');
      if (stat.isDirectory() && stat.dev !== device) facts.unlisted = 'another file system is mounted here';
      if (stat.isDirectory() && depth >= DEPTH) facts.unlisted = 'it is ' + DEPTH + ' levels deep';
      head(facts);
      if (!stat.isDirectory() || facts.unlisted) continue;
      const next = fs.openSync(at, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
      try { tree(next, inner, depth + 1); } finally { fs.closeSync(next); }
    } catch (error) { failed(inner, error, stat); }
  }
};
for (const path of job.files || []) {
  try { file(Buffer.from(path, 'latin1'), path, 0); } catch (error) { failed(path, error); }
}
if (job.root !== undefined) {
  try {
    const fd = fs.openSync(Buffer.from(job.root, 'latin1'), O_RDONLY | O_DIRECTORY);
    const stat = fs.fstatSync(fd, { bigint: true });
    device = stat.dev;
    head({ path: job.root, stat: factsOf(stat) });
    tree(fd, job.root, 0);
  } catch (error) { failed(job.root, error); }
  head({ beyond });
}
`;

const PROCFS_TITLE = '/* lambda-amber: reads procfs of processes that may not let go, and may be abandoned */';

/** The same for files of procfs, one after the other as they are asked for: a line of JSON each, `path` and `cap`. */
export const PROCFS_SCRIPT: string = String.raw`${PROCFS_TITLE}
'use strict';
const fs = require('node:fs');
const { O_RDONLY, O_NONBLOCK, O_NOFOLLOW } = fs.constants;
const CHUNK = 65536, chunk = Buffer.allocUnsafe(CHUNK);
const put = (bytes) => {
  for (let at = 0; at < bytes.length; ) {
    try { at += fs.writeSync(1, bytes, at); } catch (error) { if (error.code !== 'EAGAIN') process.exit(0); }
  }
};
const length = (count) => { const four = Buffer.alloc(4); four.writeUInt32BE(count); return four; };
const head = (facts) => { const text = Buffer.from(JSON.stringify(facts)); put(length(text.length)); put(text); };
const answer = ({ path, cap }) => {
  let fd = -1, begun = false;
  try {
    fd = fs.openSync(path, O_RDONLY | O_NONBLOCK | O_NOFOLLOW);
    for (let at = 0; at <= cap; ) {
      const count = fs.readSync(fd, chunk, 0, Math.min(CHUNK, cap + 1 - at), null);
      if (!begun) head({ body: true });
      begun = true;
      if (count === 0) break;
      put(length(count)); put(chunk.subarray(0, count));
      at += count;
    }
    put(length(0));
  } catch (error) {
    if (begun) put(length(0)); else head({ problem: error.code || String(error.message) });
  } finally { if (fd >= 0) fs.closeSync(fd); }
};
let text = '';
const buffer = Buffer.allocUnsafe(4096);
for (let count = fs.readSync(0, buffer); count > 0; count = fs.readSync(0, buffer)) {
  const lines = (text + buffer.toString('latin1', 0, count)).split('\n');
  text = lines.pop();
  for (const line of lines) answer(JSON.parse(line));
}
`;
