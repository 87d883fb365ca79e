/**
 * A whole capture of a hostile place: run in a process of its own, read by three programs, and told from the tarball.
 */
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { globSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from 'esbuild';
import type { ManifestItem } from '../../../src/contracts/evidence.ts';
import { hasPeer } from '../../peers.ts';
import { lambdaNodeFlags } from '../../sandbox/lambda-like.ts';
import type { CaptureJob, CaptureOutcome } from './capture-child.ts';
import { readThreeWays, textOf, type Member } from './readers.ts';

/** What the three readers and the namespaces of the child need. */
export const PEERS: readonly string[] = ['tar', 'bsdtar', 'python3', 'zstd', 'bash', 'find'];

/** Stands in a file outside every tree; no capture may hold it. Put together here so that no argv or script has it. */
export const CANARY: string = ['canary', 'outside', 'of', 'the', 'tree'].join('-');

export interface Whole extends CaptureOutcome {
  readonly members: readonly Member[];
  /** Items of all manifest parts, by the byte string of their path in the tarball; last one wins. */
  readonly items: ReadonlyMap<string, ManifestItem>;
  /** Paths of the inventory as byte strings. */
  readonly inventory: ReadonlySet<string>;
  /** What the child wrote to its standard output and error. */
  readonly log: string;
  readonly text: (member: string) => string;
}

export interface WholeOptions extends Omit<CaptureJob, 'destination'> {
  /** Uid and gid of the capture, where this test runs as root. */
  readonly uid?: number;
  /** Runs actors.py with these arguments beside the capture, which starts when it has printed a line. */
  readonly beside?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Further arguments of the process. */
  readonly argv?: readonly string[];
}

const MEMORY_MB = 128;
const scratch = mkdtempSync(join(tmpdir(), 'amber-whole-'));
process.once('exit', () => rmSync(scratch, { recursive: true, force: true }));

let bundle: Promise<string> | undefined;

/** As a function would have it: one file, so that the child's memory is that of the capture and not of a compiler. */
function childScript(): Promise<string> {
  return (bundle ??= build({
    entryPoints: { child: join(import.meta.dirname, 'capture-child.ts') },
    outdir: scratch,
    outExtension: { '.js': '.mjs' },
    bundle: true,
    format: 'esm',
    platform: 'node',
    target: 'node22.15',
    external: ['@aws-sdk/*'],
    logLevel: 'error',
    banner: { js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);" },
  }).then(() => join(scratch, 'child.mjs')));
}

/** Alone in the process table where this machine allows it: a capture lists what it sees. */
function alone(): readonly string[] {
  if (!hasPeer('unshare')) return [];
  const flags = ['--pid', '--fork', '--kill-child', '--mount-proc', '--ipc', '--net'];
  return process.getuid?.() === 0 ? ['unshare', ...flags] : ['unshare', '--user', '--map-root-user', ...flags];
}

/** The actors live as long as the process namespace, or a minute. */
const BESIDE = 'read -r _ < <(exec python3 "$1" $2); shift 2; exec "$@"';

/**
 * Runs a capture, reads its tarball three ways, and fails if it left descriptors behind or anything of it does not add
 * up.
 */
export async function captureWhole(options: WholeOptions): Promise<Whole> {
  const { log, evidence } = await runWhole(options);
  const outcome = JSON.parse(log.trimEnd().split('\n').at(-1) ?? '') as CaptureOutcome;
  return { ...outcome, ...(await readCapture(evidence)), log };
}

/** The same without reading it: what the child wrote, and the folder of the evidence. */
export async function runWhole(options: WholeOptions): Promise<{ log: string; evidence: string }> {
  const { uid, beside, env, argv = [], ...rest } = options;
  const evidence = mkdtempSync(join(scratch, 'evidence-'));
  const job: CaptureJob = { ...rest, destination: `file://${evidence}` };
  const dropped =
    uid === undefined || process.getuid?.() !== 0
      ? []
      : ['setpriv', `--reuid=${uid}`, `--regid=${uid}`, '--clear-groups', '--bounding-set=-all', '--no-new-privs'];
  if (dropped.length > 0) execFileSync('chown', ['-R', `${uid}:${uid}`, evidence]);
  execFileSync('chmod', ['755', scratch]);
  // A function of 128 MB, without its limit: what it would have taken can be seen, and asserted on.
  const jobFile = `${evidence}.json`;
  writeFileSync(jobFile, JSON.stringify(job));
  const node = [process.execPath, ...lambdaNodeFlags(MEMORY_MB), await childScript(), jobFile, ...argv];
  const actors =
    beside === undefined ? [] : ['bash', '-c', BESIDE, '-', join(import.meta.dirname, 'actors.py'), beside.join(' ')];
  return { log: await run([...alone(), ...actors, ...dropped, ...node], env), evidence };
}

/** Standard output and error of a command that must end well within a minute. */
async function run(
  [program = '', ...args]: readonly string[],
  variables: Readonly<Record<string, string>> = {},
): Promise<string> {
  const env = { PATH: process.env['PATH'], AWS_LAMBDA_FUNCTION_MEMORY_SIZE: String(MEMORY_MB), ...variables };
  const child = spawn(program, args, {
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: 60_000,
    killSignal: 'SIGKILL',
  });
  let out = '';
  let errors = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (out += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (errors += text));
  const code = await new Promise((resolve) => child.once('close', (status, signal) => resolve(status ?? signal)));
  assert.equal(code, 0, `the capture ended with ${String(code)}: ${errors}${out.slice(-2000)}`);
  return errors + out;
}

type Read = Pick<Whole, 'members' | 'items' | 'inventory' | 'text'>;

/** Reads the one capture below a folder of evidence. */
export async function readCapture(evidence: string): Promise<Read> {
  const [tarball, ...others] = globSync(`${evidence}/**/capture.tar.zst`);
  assert.ok(tarball !== undefined && others.length === 0, globSync(`${evidence}/**`).join(' '));
  const folder = join(evidence, 'members');
  mkdirSync(folder);
  const { members, canary } = await readThreeWays(tarball, CANARY, folder);
  assert.equal(canary, 0, 'something outside of the tree is in the tarball');
  const text = (name: string): string => textOf(members.find((one) => one.name === name));
  const items = manifestItems(members);
  for (const member of members) {
    const name = member.name.replace(/\/$/u, '');
    if (!name.startsWith('manifest/'))
      assert.ok(items.has(name), `${JSON.stringify(name)} is in the tarball and not in the manifest`);
  }
  return { members, items, inventory: inventoryOf(members), text };
}

/** Checks the digest of each body by the way. */
function manifestItems(members: readonly Member[]): Map<string, ManifestItem> {
  const items = new Map<string, ManifestItem>();
  for (const part of members.filter(({ name }) => name.startsWith('manifest/'))) {
    const [header = '', ...lines] = textOf(part).trimEnd().split('\n');
    assert.equal((JSON.parse(header) as { items: number }).items, lines.length);
    for (const line of lines) {
      const item = JSON.parse(line) as ManifestItem;
      const bytes =
        item.pathBase64 === undefined ? Buffer.from(item.path, 'utf8') : Buffer.from(item.pathBase64, 'base64');
      items.set(bytes.toString('latin1'), item);
    }
  }
  for (const { name, sha256, size } of members) {
    const item = items.get(name);
    if (item?.sha256 === undefined || sha256 === undefined || item.padded !== undefined) continue;
    assert.equal(sha256, item.sha256, `the digest of ${JSON.stringify(name)}`);
    assert.equal(size, item.stored, `the size of ${JSON.stringify(name)}`);
  }
  return items;
}

function inventoryOf(members: readonly Member[]): Set<string> {
  const paths = new Set<string>();
  for (const file of members.filter(
    ({ name }) => name.startsWith('bodyfile/inventory') || name.startsWith('bodyfile/bodyfile'),
  )) {
    for (const line of textOf(file).trimEnd().split('\n')) {
      const fields = line.split('|');
      assert.equal(fields.length, 11, `a line of the bodyfile has ${fields.length} fields: ${line}`);
      paths.add(undisplay(fields[1] ?? '', fields[3] ?? ''));
    }
  }
  return paths;
}

/** The bytes of a name as it stands in a bodyfile: `%NN` is a byte, `\xNN` a character (of those below U+0100). */
function undisplay(shown: string, mode: string): string {
  const name = mode.startsWith('l') ? (shown.split(' -> ')[0] ?? '') : shown;
  return Buffer.from(name, 'utf8')
    .toString('latin1')
    .replaceAll(/%([0-9A-F]{2})|\\x([0-9a-f]{2})/gu, (_all, percent?: string, escape?: string) => {
      const character = String.fromCharCode(Number.parseInt(percent ?? escape ?? '', 16));
      return percent === undefined ? Buffer.from(character, 'utf8').toString('latin1') : character;
    });
}

/** Every path of a tree as find(1) sees it: byte strings. */
export function listTree(root: string): string[] {
  return execFileSync('find', [root, '-print0'], { encoding: 'latin1', maxBuffer: 2 ** 30 })
    .split('\0')
    .slice(0, -1);
}

/** Fails unless each path is in the inventory and ends in one item of the manifest. */
export function assertAccounted(whole: Whole, paths: Iterable<string>): void {
  for (const path of paths) {
    assert.ok(whole.inventory.has(path), `${JSON.stringify(path)} is not in the inventory`);
    assert.ok(whole.items.has(`[root]${path}`), `${JSON.stringify(path)} is not in the manifest`);
  }
}

/** What must hold for every capture, whatever it met. */
export function assertSound(whole: Whole, peakMb: number): void {
  assert.equal(whole.report.state, 'whole', whole.log.slice(-3000));
  for (const path of whole.inventory)
    assert.ok(whole.items.has(`[root]${path}`), `${JSON.stringify(path)} is in the inventory and not in the manifest`);
  assert.ok(
    whole.descriptors.after <= whole.descriptors.before + 1,
    `descriptors went from ${whole.descriptors.before} to ${whole.descriptors.after}`,
  );
  const grown = (whole.peakBytes - whole.idleBytes) / 2 ** 20;
  assert.ok(grown < peakMb, `took ${grown.toFixed(0)} MiB over idle`);
}

/** One line on what it cost. Figures of time are told and not judged: other programs share the machine. */
export function costOf({ report, holds, peakBytes, idleBytes }: Whole): string {
  const mb = (bytes: number): string => (bytes / 2 ** 20).toFixed(0);
  return (
    `${report.elapsedMs} ms, CPU ${report.cpuMs} ms, ${mb(peakBytes - idleBytes)} MiB over idle; main thread: ${holds.turns} turns, held ` +
    `${holds.longestMs.toFixed(1)} ms at the most (${holds.longestCpuMs.toFixed(1)} ms of CPU), ${holds.over20} times over 20 ms of CPU; ${JSON.stringify(report.outcomes)}`
  );
}
