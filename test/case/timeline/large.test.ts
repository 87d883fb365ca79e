/** A timeline of a million events stays within its memory: measured with the built command, in a process of its own. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { closeSync, openSync, readSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { zstdCompressSync } from 'node:zlib';
import { encodeHeader, roundUp } from '../../../src/archive/header.ts';
import { buildCommand } from '../../../layer/command.ts';
import { freshFolder } from '../captures.ts';

const EVENTS = 1_000_000;
const MIB = 1024 * 1024;
const MAX_BYTES = 256 * MIB;

/** VmHWM, because maxRSS begins with that of the parent. */
const script = (command: string): string => `
import { readFileSync } from 'node:fs';
import { main } from ${JSON.stringify(command)};
const code = await main(process.argv.slice(1), { stdout: process.stdout, stderr: process.stderr, env: {} });
process.stderr.write(/VmHWM:\\s+(\\d+) kB/.exec(readFileSync('/proc/self/status', 'utf8'))[1]);
process.exitCode = code;
`;

/** Log events whose times lie across each other, 20,000 an entry, in frames of 1 MiB, as the archive makes them. */
function archive(): string {
  const path = join(freshFolder(), 'capture.tar.zst');
  const fd = openSync(path, 'w');
  writeSync(
    fd,
    zstdCompressSync(encodeHeader({ path: 'capture.json', type: '0', mode: 0o444, size: 0, mtimeSeconds: 1 })),
  );
  for (let from = 0; from < EVENTS; from += 20_000) {
    const lines = Array.from({ length: 20_000 }, (_, index) => {
      const number = (Math.imul(from + index, 1_000_003) >>> 0) % EVENTS;
      return `{"timestamp":${1_750_000_000_000 + number},"logStreamName":"2025/06/30/[$LATEST]abc","eventId":"${from + index}","message":"INFO request ${number} GET /orders/${number} 200 and what a function says beside it"}\n`;
    });
    const body = Buffer.from(lines.join(''));
    const header = encodeHeader({
      path: `logs/g/s-${String(from / 20_000).padStart(4, '0')}.jsonl`,
      type: '0',
      mode: 0o444,
      size: body.length,
      mtimeSeconds: 1,
    });
    const tar = Buffer.concat([header, body, Buffer.alloc(roundUp(body.length) - body.length)]);
    for (let at = 0; at < tar.length; at += MIB) writeSync(fd, zstdCompressSync(tar.subarray(at, at + MIB)));
  }
  writeSync(fd, zstdCompressSync(Buffer.alloc(1024)));
  closeSync(fd);
  return path;
}

test('a timeline of a million events stays below 256 MiB, and in order', async (t) => {
  const built = freshFolder();
  await buildCommand(built);
  const to = join(freshFolder(), 'timeline.jsonl');
  const started = performance.now();
  const ran = spawnSync(
    process.execPath,
    ['--input-type=module', '-e', script(join(built, 'amber.js')), 'timeline', archive(), '--jsonl', '--to', to],
    { encoding: 'utf8' },
  );
  assert.equal(ran.status, 0, ran.stderr);
  const bytes = Number(/\d+$/u.exec(ran.stderr)?.[0]) * 1024;
  t.diagnostic(
    `${EVENTS} events in ${Math.round(performance.now() - started)} ms, ${Math.round(bytes / MIB)} MiB resident`,
  );
  assert.ok(bytes < MAX_BYTES, `${bytes} bytes resident`);
  let [count, last, rest] = [0, 0, ''];
  const buffer = Buffer.alloc(MIB);
  const fd = openSync(to, 'r');
  for (let read = readSync(fd, buffer); read > 0; read = readSync(fd, buffer)) {
    const lines = (rest + buffer.toString('latin1', 0, read)).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) {
      const timestamp = Number(/"timestamp":(\d+)/u.exec(line)?.[1]);
      assert.ok(timestamp >= last, line);
      last = timestamp;
      count += 1;
    }
  }
  closeSync(fd);
  assert.equal(count, EVENTS);
});
