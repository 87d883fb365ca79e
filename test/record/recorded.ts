/** Runs code in a Node of its own with the recorder armed, and gives what stands in its ring. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import type { RecordedEvent } from '../../src/contracts/recorded.ts';
import { decodeRing } from '../../src/record/decode.ts';

const run = promisify(execFile);

export interface RunOptions {
  readonly level?: 'events' | 'paths';
  readonly flags?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

export interface Recorded {
  readonly events: readonly RecordedEvent[];
  readonly of: (kind: RecordedEvent['kind']) => readonly RecordedEvent[];
  readonly stdout: string;
  readonly stderr: string;
}

/**
 * Arms, runs `code` (an async function body; `begins(n)` begins invocation n, `folder` is its own), and reads the ring.
 */
export async function recorded(
  code: string,
  { level = 'events', flags = [], env = {} }: RunOptions = {},
): Promise<Recorded> {
  const folder = mkdtempSync(join(tmpdir(), 'amber-recorded-'));
  try {
    const script = join(folder, 'function.cjs');
    writeFileSync(script, `exports.run = async ({ begins, folder, recording }) => { ${code}\n};`);
    const out = join(folder, 'ring');
    const { stdout, stderr } = await run(
      process.execPath,
      [...flags, '--disable-warning=ExperimentalWarning', resolve('test/record/armed.ts'), script, out, level],
      { env: { PATH: process.env['PATH'] ?? '', HOME: folder, ...env }, timeout: 60_000 },
    );
    const { readFileSync } = process.getBuiltinModule('node:fs');
    const { events, faults, missing } = decodeRing(readFileSync(out));
    assert.deepEqual([faults, missing], [[], []]);
    assert.equal(events[0]?.kind, 'begin');
    return { events, of: (kind) => events.filter((event) => event.kind === kind), stdout, stderr };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
