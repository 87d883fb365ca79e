/** Acts of a real Python process behind the recorder of the layer, and its ring as the extension would read it. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { ReadRing, RecordedEvent } from '../../../src/contracts/recorded.ts';
import { decodeRing } from '../../../src/record/decode.ts';

export const RECORDER: string = resolve('layer/python');
const ACTS = join(import.meta.dirname, 'acts.py');

export interface Acted {
  readonly pid: number;
  /** What the acts say of themselves. */
  readonly told: Readonly<Record<string, unknown>>;
  readonly ring: ReadRing;
  readonly events: readonly RecordedEvent[];
  /** Bytes of the ring. */
  readonly bytes: Buffer;
  /** The facts that were left for the extension. */
  readonly facts: Readonly<Record<string, unknown>> | undefined;
  readonly stderr: string;
  readonly log: readonly Record<string, unknown>[];
  /** Where the ring lies while the process lives. */
  readonly path: string;
}

/** Runs acts of acts.py; the process is ended when `see` is done. */
export async function act(
  program: string,
  acts: readonly string[],
  see: (acted: Acted) => void | Promise<void>,
  env: Readonly<Record<string, string>> = {},
): Promise<void> {
  const child = spawn(program, ['-B', ACTS, ...acts], {
    env: {
      PATH: '/usr/bin:/bin',
      RECORDER,
      AMBER_RECORD: 'events',
      AMBER_HANDLER: '__main__.no_handler',
      _HANDLER: 'lambda_amber.handler',
      ...env,
    },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  try {
    const { line, stderr, log } = await said(child);
    const pid = child.pid ?? 0;
    const path = fileOf(pid, 'amber-ring') ?? '';
    const facts = fileOf(pid, 'amber-runtime');
    const bytes = path === '' ? Buffer.alloc(0) : readFileSync(path);
    const ring = decodeRing(bytes);
    await see({
      pid,
      told: JSON.parse(line) as Acted['told'],
      ring,
      events: ring.events,
      bytes,
      facts: facts === undefined ? undefined : (JSON.parse(readFileSync(facts, 'utf8')) as Acted['told']),
      stderr: stderr(),
      log,
      path,
    });
  } finally {
    child.kill('SIGKILL');
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
  }
}

/** The highest descriptor that leads to a memfd of this name: a lower one is that of its mapping. */
export function fileOf(pid: number, name: string): string | undefined {
  const folder = `/proc/${pid}/fd`;
  const found = readdirSync(folder).filter((fd) => {
    try {
      return readlinkSync(`${folder}/${fd}`) === `/memfd:${name} (deleted)`;
    } catch {
      return false;
    }
  });
  const fd = Math.max(...found.map(Number));
  return found.length === 0 ? undefined : `${folder}/${fd}`;
}

interface Said {
  readonly line: string;
  readonly stderr: () => string;
  readonly log: readonly Record<string, unknown>[];
}

async function said(child: ChildProcess): Promise<Said> {
  let stdout = '';
  let stderr = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  child.stdout?.setEncoding('utf8');
  const line = await new Promise<string>((done, failed) => {
    child.stdout?.on('data', (text: string) => {
      stdout += text;
      const found = stdout.split('\n').find((one) => one.startsWith('{"handler"'));
      if (found !== undefined && stdout.endsWith('\n')) done(found);
    });
    child.once('close', (code) => failed(new Error(`ended with ${String(code)}: ${stdout}${stderr}`)));
  });
  const log = stdout
    .split('\n')
    .filter((one) => one.startsWith('{"amber"'))
    .map((one) => JSON.parse(one) as Record<string, unknown>);
  return { line, stderr: () => stderr, log };
}
