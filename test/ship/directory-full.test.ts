/** A folder on a file system that is full or read-only, mounted in a namespace of its own. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { missing, requirePeer } from '../peers.ts';

interface Said {
  readonly errors: readonly { readonly code: string; readonly message: string }[];
  readonly bytes: number;
  readonly content: string;
  readonly names: readonly string[];
}

const SCRIPT = `
const { openDestination } = await import(${JSON.stringify(new URL('../../src/ship/index.ts', import.meta.url).href)});
const { resolveConfig } = await import(${JSON.stringify(new URL('../../src/config/config.ts', import.meta.url).href)});
const { object, segmentName, identity } = await import(${JSON.stringify(new URL('../contracts/destination.ts', import.meta.url).href)});
const { readdirSync, readFileSync } = await import('node:fs');
const errors = [];
const note = (error) => errors.push({ code: error.code, message: error.message });
const never = new AbortController().signal;
let said = { errors };
try {
  const destination = await openDestination('file://' + process.argv[1], identity(), resolveConfig({}, {}));
  await destination.put(object(segmentName(0), Buffer.from('<0>')), never);
  await destination.put(object(segmentName(1), Buffer.alloc(4 << 20, 1)), never).catch(note);
  await destination.put(object('apart.bin', Buffer.alloc(4 << 20, 1)), never).catch(note);
  await destination.put(object(segmentName(2), Buffer.from('<2>')), never);
  const body = readFileSync(destination.location + 'capture.tar.zst');
  said = { errors, bytes: body.length, content: body.toString('latin1', 0, 20), names: readdirSync(destination.location) };
  destination.close();
} catch (error) { note(error); }
console.log(JSON.stringify(said));`;

function inNamespace(t: TestContext, mountOptions: string): Said | undefined {
  if (!requirePeer(t, 'unshare', 'mount')) return undefined;
  const folder = mkdtempSync(join(tmpdir(), 'amber-full-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const command = 'mount -t tmpfs -o "$1" none "$2" || exit 77; exec "$3" --input-type=module -e "$4" "$2"';
  const child = spawnSync(
    'unshare',
    ['--user', '--map-root-user', '--mount', 'sh', '-c', command, 'sh', mountOptions, folder, process.execPath, SCRIPT],
    { encoding: 'utf8' },
  );
  if (child.status === 77 || child.stderr.includes('unshare failed')) {
    missing(t, 'a user namespace that may mount a tmpfs');
    return undefined;
  }
  assert.equal(child.status, 0, child.stderr);
  return JSON.parse(child.stdout) as Said;
}

test('a full file system: a code, the file as it was before, and what fits still follows', (t) => {
  const said = inNamespace(t, 'size=1m');
  if (said === undefined) return;
  assert.deepEqual(
    said.errors.map(({ code }) => code),
    ['DESTINATION_UNAVAILABLE', 'DESTINATION_UNAVAILABLE'],
  );
  for (const { message } of said.errors) assert.match(message, /ENOSPC.*make room/u);
  assert.deepEqual([said.bytes, said.content], [6, '<0><2>']);
  assert.deepEqual(said.names, ['capture.tar.zst']);
});

test('a read-only file system: a code', (t) => {
  const said = inNamespace(t, 'ro');
  if (said === undefined) return;
  assert.deepEqual(
    said.errors.map(({ code }) => code),
    ['DESTINATION_DENIED'],
  );
  assert.match(said.errors[0]?.message ?? '', /EROFS.*read-only/u);
});
