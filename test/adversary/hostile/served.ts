/** A capture beside processes that hold files of a silent FUSE server, in a process namespace of their own. */
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import type { ManifestItem } from '../../../src/contracts/evidence.ts';
import { missing, requirePeer } from '../../peers.ts';
import type { CaptureJob, CaptureOutcome } from './capture-child.ts';

/** Pids and descriptors, as fuse-server.py prints them. */
export interface ServedFacts {
  readonly server: number;
  readonly outer: number;
  readonly holder: number;
  readonly implant: number;
  readonly named: number;
  readonly gone: number;
  readonly passedNamed: number;
  readonly passedGone: number;
  /** Of nameless-tmpfs.py. */
  readonly listed: number;
  readonly detached: number;
  readonly memfd: number;
}

export interface ServedCapture extends CaptureOutcome {
  readonly facts: ServedFacts;
  readonly items: readonly ManifestItem[];
  /** Requests that the silent server got: each is a call that will not come back. */
  readonly asked: readonly string[];
  /** Milliseconds from the start of the capturing process to its end. */
  readonly elapsedMs: number;
  readonly text: (member: string) => string;
}

export interface ServedJob extends Partial<Omit<CaptureJob, 'destination'>> {
  /**
   * `detach`: no namespace lists the mount; `here`: it lies in the namespace of the capture, at the folder `served`;
   * `alive`: and answers.
   */
  readonly mode?: 'detach' | 'here' | 'alive';
  /** Another program of test/fixtures/proc than the server. */
  readonly actor?: string;
  /** Runs before the server starts, with the folder. */
  readonly prepare?: (folder: string) => void;
  /** Stands in front of the program, for a folder. */
  readonly under?: (folder: string) => readonly string[];
  /** Looks at the folder before it is removed. */
  readonly look?: (folder: string) => void;
}

/** False, and said so, where this machine cannot play it. */
export function canServe(t: TestContext): boolean {
  if (process.getuid?.() !== 0 || !existsSync('/dev/fuse')) return missing(t, 'root and /dev/fuse');
  return requirePeer(t, 'python3', 'unshare', 'tar', 'zstd');
}

/**
 * Starts a server, prints its facts once it is silent, and goes on as another program. Arguments: actor, mount, log,
 * mode, program.
 */
export const SERVED_SCRIPT = 'read -r facts < <(exec python3 "$1" "$2" "$3" $4); echo "$facts"; shift 4; exec "$@"';
/** Above everything that a capture may take: whoever is not back by then hangs. */
const HANGS_MS = 40_000;

export interface Beside {
  readonly folder: string;
  readonly evidence: string;
  readonly facts: ServedFacts;
  /** The last line of the program's output. */
  readonly last: unknown;
  readonly asked: readonly string[];
  readonly elapsedMs: number;
}

/**
 * Runs a program of this folder, with the silent mount at `FOLDER/tree/served` where it is ours. Its job names the
 * folder.
 */
export async function runBeside(
  t: TestContext,
  { mode, actor = 'fuse-server.py', prepare, under, look, ...rest }: ServedJob,
  child: string,
): Promise<Beside> {
  const folder = mkdtempSync(join(tmpdir(), 'amber-served-'));
  const [mount, log, evidence] = [join(folder, 'tree/served'), join(folder, 'requests'), join(folder, 'evidence')];
  for (const made of [mount, evidence]) mkdirSync(made, { recursive: true });
  writeFileSync(log, '');
  writeFileSync(join(folder, 'tree/plain'), 'plain');
  prepare?.(folder);
  const request: CaptureJob = {
    writable: [join(folder, 'tree')],
    hardStopInMs: 20_000,
    ...rest,
    destination: `file://${evidence}`,
  };
  const whole = { ...request, folder, writable: request.writable.map((path) => path.replace('FOLDER', folder)) };
  writeFileSync(join(folder, 'job.json'), JSON.stringify(whole));
  const node = [
    ...(under?.(folder) ?? []),
    process.execPath,
    '--no-warnings',
    join(import.meta.dirname, child),
    join(folder, 'job.json'),
  ];
  const server = join(import.meta.dirname, '../../fixtures/proc', actor);
  const argv = [
    '--pid',
    '--fork',
    '--kill-child',
    '--mount',
    '--mount-proc',
    '--ipc',
    '--net',
    'bash',
    '-c',
    SERVED_SCRIPT,
    'served',
    server,
    mount,
    log,
    mode ?? '',
    ...node,
  ];
  const started = performance.now();
  const runner = spawn('unshare', argv, { stdio: ['ignore', 'pipe', 'pipe'] });
  t.after(() => {
    runner.kill('SIGKILL');
    rmSync(folder, { recursive: true, force: true });
  });
  const { output, status } = await outputOf(runner);
  const elapsedMs = performance.now() - started;
  look?.(folder);
  const asked = readFileSync(log, 'utf8')
    .split('\n')
    .filter((line) => line !== '');
  assert.equal(status, 0, `${output}\nasked of the server: ${asked.join(' ')}`);
  const lines = output.trimEnd().split('\n');
  return {
    folder,
    evidence,
    asked,
    elapsedMs,
    facts: JSON.parse(lines[0] ?? '') as ServedFacts,
    last: JSON.parse(lines.at(-1) ?? ''),
  };
}

/** Captures, and reads what came of it. */
export async function captureServed(
  t: TestContext,
  job: ServedJob,
  child = 'capture-child.ts',
): Promise<ServedCapture> {
  const { folder, evidence, facts, last, asked, elapsedMs } = await runBeside(t, job, child);
  const outcome = last as CaptureOutcome;
  const tar = join(folder, 'capture.tar');
  execFileSync('bash', ['-c', 'cat $(find "$1" -name "*.tar.zst" | sort) | zstd -dc > "$2"', 'join', evidence, tar]);
  const text = (member: string): string =>
    execFileSync('tar', ['-xOf', tar, '--no-wildcards', member], { encoding: 'utf8', maxBuffer: 2 ** 28 });
  const parts = execFileSync('tar', ['-tf', tar], { encoding: 'utf8' })
    .split('\n')
    .filter((name) => name.startsWith('manifest/'));
  const items = parts
    .flatMap((name) => text(name).split('\n'))
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as ManifestItem)
    .filter(({ path }) => typeof path === 'string');
  return { ...outcome, facts, items, asked, elapsedMs, text };
}

async function outputOf(runner: ReturnType<typeof spawn>): Promise<{ output: string; status: number | string }> {
  let output = '';
  runner.stdout?.on('data', (chunk: Buffer) => (output += chunk.toString()));
  runner.stderr?.on('data', (chunk: Buffer) => (output += chunk.toString()));
  return new Promise((resolve) => {
    const timer = setTimeout(() => {
      runner.kill('SIGKILL');
      resolve({ output, status: 'it hung' });
    }, HANGS_MS);
    runner.once('close', (code, signal) => {
      clearTimeout(timer);
      resolve({ output, status: code ?? String(signal) });
    });
  });
}
