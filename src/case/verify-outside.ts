/** The checks of verify that look at what stands around the tar stream. */
import { createHash } from 'node:crypto';
import type { CheckList } from './checks.ts';
import type { LogDigests, LoggedSegment } from './log-lines.ts';
import type { CapturePart, OpenCapture } from './open.ts';
import { readWhole } from './store.ts';

/** What the stored bytes were found to be. */
export interface Digests {
  /** SHA-256 of all parts joined. */
  readonly whole: string;
  readonly bySegment: ReadonlyMap<CapturePart, { readonly sha256: string; readonly bytes: number }>;
}

export function checkCommit(capture: OpenCapture, checks: CheckList): void {
  const { manifest, manifestProblem } = capture;
  if (manifestProblem !== undefined) checks.fail('commit', `manifest.json is not usable: ${manifestProblem}`);
  else if (manifest === undefined) checks.skip('commit', 'there is no manifest.json: the capture was cut before it was committed');
  else checks.ok('commit', `capture ${manifest.captureId}, ${manifest.state}; its SHA-256 is ${capture.manifestSha256 ?? ''}`);
}

export function checkObjects(capture: OpenCapture, checks: CheckList): void {
  const { manifest, missing, strays } = capture;
  if (capture.alone) {
    checks.skip('objects', 'one segment alone was given');
    return;
  }
  for (const { object, number } of strays) {
    checks.fail('objects', `${JSON.stringify(object)} is not ours, or another one is: ${manifest === undefined ? `segment ${number ?? 0} is there twice` : 'manifest.json does not name it'}`);
  }
  if (manifest === undefined) {
    checks.skip('objects', missing.length === 0 ? 'there is no manifest.json to say how many there should be' : `segments ${list(missing)} are not there`);
    return;
  }
  const lost = new Set(manifest.segments.filter(({ state }) => state === 'lost').map(({ number }) => number));
  for (const number of missing) if (!lost.has(number)) checks.fail('objects', `segment ${number} was stored and is not there: it was removed`);
  if (lost.size > 0 !== (manifest.state === 'cut')) checks.fail('objects', `manifest.json says ${manifest.state}, and that ${lost.size} segments were lost`);
  checkJoinedSize(capture, checks);
  checks.ok('objects', `${manifest.segments.length - missing.length} of ${manifest.segments.length} segments${lost.size === 0 ? '' : `, ${list([...lost])} were lost on the way`}`);
}

function checkJoinedSize({ parts, objects }: OpenCapture, checks: CheckList): void {
  const joined = parts.filter(({ range }) => range !== undefined);
  const last = joined.at(-1)?.range;
  const size = objects.find(({ name }) => name === joined[0]?.object)?.bytes;
  if (last !== undefined && size !== undefined && size > last.start + last.bytes) {
    checks.fail('objects', `${joined[0]?.object ?? ''} has ${size - last.start - last.bytes} bytes more than the segments of manifest.json`);
  }
}

export function checkReceipts({ manifest }: OpenCapture, checks: CheckList, digests: Digests): void {
  if (manifest === undefined) return;
  let compared = 0;
  let unknown = 0;
  for (const [{ committed }, { sha256 }] of digests.bySegment) {
    if (committed?.state === 'unknown') unknown += 1;
    const checksum = committed?.receipt?.checksum;
    if (committed === undefined || typeof checksum !== 'string') continue;
    compared += 1;
    const stored = Buffer.from(checksum, 'base64').toString('hex');
    if (stored !== sha256) checks.fail('receipts', `the destination acknowledged ${committed.name} as ${stored}, and it is ${sha256}`);
  }
  const lost = unknown === 0 ? '' : `; ${unknown} were stored without a receipt, because the answer was lost`;
  if (compared === 0) checks.skip('receipts', `the destination gave no checksums${lost}`);
  else checks.ok('receipts', `${compared} segments have the checksum that the destination computed${lost}`);
}

/** `SHA256SUMS` of a folder: every name in it is compared. */
export async function checkSums(capture: OpenCapture, checks: CheckList, digests: Digests): Promise<void> {
  if (!capture.objects.some(({ name }) => name === 'SHA256SUMS')) {
    checks.skip('sums', 'there is no SHA256SUMS here');
    return;
  }
  const text = (await readWhole(capture.store, 'SHA256SUMS', 16 * 1024 * 1024)).toString('utf8');
  let compared = 0;
  const named = new Set<string>();
  for (const line of text.split('\n').slice(0, -1)) {
    const [, sha256, name] = /^([0-9a-f]{64}) [ *](.+)$/u.exec(line) ?? [];
    if (sha256 === undefined || name === undefined) {
      checks.fail('sums', `the line ${JSON.stringify(line.slice(0, 100))} is none of sha256sum`);
      continue;
    }
    named.add(name);
    const found = await digestOf(capture, digests, name);
    if (found !== sha256) checks.fail('sums', `${JSON.stringify(name)} is ${found ?? 'not there'}, SHA256SUMS says ${sha256}`);
    compared += 1;
  }
  if (!text.endsWith('\n')) checks.fail('sums', 'SHA256SUMS ends in the middle of a line');
  for (const name of new Set(capture.parts.map(({ object }) => object))) if (!named.has(name)) checks.fail('sums', `SHA256SUMS does not name ${name}`);
  checks.ok('sums', `${compared} files have the digests of SHA256SUMS`);
}

async function digestOf(capture: OpenCapture, digests: Digests, name: string): Promise<string | undefined> {
  if (name === 'manifest.json') return capture.manifestSha256;
  const object = capture.objects.find((candidate) => candidate.name === name);
  if (object === undefined) return undefined;
  const parts = [...digests.bySegment].filter(([part]) => part.object === name);
  const covered = parts.reduce((sum, [, { bytes }]) => sum + bytes, 0) === object.bytes;
  if (covered && parts.length === digests.bySegment.size) return digests.whole;
  if (covered && parts.length === 1) return parts[0]?.[1].sha256;
  const digest = createHash('sha256');
  for await (const chunk of capture.store.read(name)) digest.update(chunk);
  return digest.digest('hex');
}

export function checkLog(capture: OpenCapture, checks: CheckList, digests: Digests, log: LogDigests | undefined): void {
  if (log === undefined) {
    checks.skip('log', 'no log was given (--log FILE), so nothing outside of this folder vouches for the capture: whoever could write all of it could have made it');
    return;
  }
  if (log.lines === 0) {
    const others = log.others.size === 0 ? 'it has no digest lines at all' : `it has those of ${[...log.others].join(', ')}`;
    checks.fail('log', `the log has no line of this capture; ${others}`);
    return;
  }
  const fail = (text: string): void => checks.fail('log', text);
  const found = new Map([...digests.bySegment].map(([part, digest]) => [part.number, { part, sha256: digest.sha256 }]));
  let anchored = 0;
  const silent: number[] = [];
  for (const [number, logged] of log.segments) {
    oneDigest(`segment ${number}`, logged.sha256, fail);
    oneDigest(`the chain at segment ${number}`, logged.chain, fail);
    if (logged.stored && !found.has(number) && !found.has(undefined) && !capture.alone) fail(`the log says that segment ${number} was stored, and it is not there`);
  }
  for (const [number, { part, sha256 }] of found) {
    const logged = number === undefined ? undefined : log.segments.get(number);
    if (number !== undefined && logged === undefined) silent.push(number);
    if (number === undefined || logged === undefined) continue;
    anchored += compareSegment({ number, sha256, head: part.committed?.chainHead }, logged, fail) ? 1 : 0;
  }
  compareOne('the whole', log.whole, isAll(capture) ? digests.whole : undefined, fail);
  compareOne('manifest.json', log.manifest, capture.manifestSha256, fail);
  const rest = silent.length === 0 ? '' : `; it has no line of segments ${list(silent)}`;
  const marker = log.manifest.size === 0 ? '; it has no digest of manifest.json' : ', and so has manifest.json';
  checks.ok('log', `${anchored} segments have the digest that the log holds${marker}${rest}`);
}

/** The parts are the whole, as far as anything here says. */
function isAll({ manifest, parts }: OpenCapture): boolean {
  return manifest === undefined ? parts.every(({ number }) => number === undefined) : parts.length === manifest.segments.length;
}

function compareSegment(
  segment: { number: number; sha256: string; head: string | null | undefined }, logged: LoggedSegment, fail: (text: string) => void,
): boolean {
  const { number, sha256, head } = segment;
  if (!logged.sha256.has(sha256)) fail(`segment ${number} is ${sha256}, the log says ${[...logged.sha256].join(' and ')}`);
  if (typeof head === 'string' && logged.chain.size > 0 && !logged.chain.has(head)) fail(`the chain at segment ${number} is ${head}, the log says ${[...logged.chain].join(' and ')}`);
  return logged.sha256.has(sha256);
}

function compareOne(what: string, logged: ReadonlySet<string>, found: string | undefined, fail: (text: string) => void): void {
  oneDigest(what, logged, fail);
  if (found !== undefined && logged.size > 0 && !logged.has(found)) fail(`${what} is ${found}, the log says ${[...logged].join(' and ')}`);
}

function oneDigest(what: string, logged: ReadonlySet<string>, fail: (text: string) => void): void {
  if (logged.size > 1) fail(`the log has ${logged.size} different digests for ${what}: somebody has tampered with it`);
}

export function checkSender({ manifest, parts }: OpenCapture, checks: CheckList): void {
  const sealed = manifest === undefined ? parts.some((part) => part.sealed) : manifest.recipient !== null;
  checks.skip('sender', sealed
    ? 'age does not authenticate a sender: whoever knows the public key can make such files. Only the digests in the log and the receipts of the bucket tie them to the function'
    : 'a capture is not signed: only the digests in the log and the receipts of the bucket tie it to the function');
}

function list(numbers: readonly number[]): string {
  return numbers.length <= 10 ? numbers.join(', ') : `${numbers.slice(0, 10).join(', ')} and ${numbers.length - 10} more`;
}
