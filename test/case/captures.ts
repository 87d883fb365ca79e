/** Captures on disk, made by the archive, the seal and the directory destination themselves. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { after } from 'node:test';
import type { TarballOptions } from '../../src/archive/contracts.ts';
import { Tarball } from '../../src/archive/tarball.ts';
import { resolveConfig } from '../../src/config/config.ts';
import type { BytesEntry, Destination, Entry, Segment, Tier } from '../../src/contracts/evidence.ts';
import { openAge } from '../../src/seal/age.ts';
import { commitDocument, type CaptureManifest, type CommitFacts } from '../../src/seal/commit.ts';
import { openManifest } from '../../src/seal/manifest.ts';
import { openDestination } from '../../src/ship/index.ts';
import { openOutbox } from '../../src/ship/outbox.ts';
import { segmentLine } from '../../src/report/report.ts';
import { testBudget } from '../archive/scene.ts';

export const CAPTURE_ID = '0197c0de-0000-7000-8000-0000000000aa';

const made: string[] = [];
after(() => {
  for (const folder of made) rmSync(folder, { recursive: true, force: true });
});

/** A fresh folder that is removed after the tests of the file. */
export function freshFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'amber-case-'));
  made.push(folder);
  return folder;
}

export interface MakeOptions {
  /** Entries; a string is a border to that tier. */
  readonly entries?: readonly (Entry | Tier)[];
  readonly compression?: 'zstd' | 'gzip' | 'none';
  readonly recipient?: string;
  readonly tarball?: Partial<TarballOptions>;
  /** Segments apart with receipts, as in a bucket, instead of the joined file. */
  readonly apart?: boolean;
  readonly captureId?: string;
  /** Where; default is a fresh folder. */
  readonly into?: string;
}

export interface MadeCapture {
  /** The folder that holds manifest.json. */
  readonly folder: string;
  readonly base: string;
  readonly segments: readonly Segment[];
  readonly manifest: CaptureManifest;
  /** The digest lines that the log got. */
  readonly log: string;
}

/** capture.json tells the id that the capture has. */
function withId(entry: Entry | Tier, captureId: string): Entry | Tier {
  const isHeader =
    typeof entry !== 'string' &&
    entry.kind === 'json' &&
    entry.path === 'capture.json' &&
    typeof entry.value === 'object';
  return isHeader ? { ...entry, value: { ...entry.value, captureId } } : entry;
}

export function bytesEntry(path: string, body: string | Uint8Array): BytesEntry {
  return { kind: 'bytes', path, source: `/${path}`, method: 'test', body: Buffer.from(body), redaction: 'content' };
}

export async function makeCapture(options: MakeOptions = {}): Promise<MadeCapture> {
  const { compression = 'zstd', recipient, captureId = CAPTURE_ID } = options;
  const entries = (options.entries ?? standardEntries()).map((entry) => withId(entry, captureId));
  const base = options.into ?? freshFolder();
  const identity = {
    captureId,
    account: '111122223333',
    region: 'eu-central-1',
    functionName: 'checkout',
    date: '2025-06-30',
  };
  const signal = new AbortController().signal;
  const destination =
    options.apart === true
      ? bucketLike(join(base, 'objects'))
      : await openDestination(pathToFileURL(base), identity, resolveConfig({}, {}));
  const segments: Segment[] = [];
  const lines: string[] = [];
  const outbox = openOutbox(destination, {
    signal,
    inFlight: 2,
    waitingBytes: Infinity,
    onShipped: (shipped) => void lines.push(logLine('segment', segmentLine(captureId, shipped))),
  });
  const manifestWriter = openManifest(captureId);
  const age = recipient === undefined ? undefined : await openAge(recipient);
  const tarball = new Tarball({
    ...TARBALL,
    compression,
    manifest: manifestWriter,
    ...(age === undefined ? {} : { encryptor: () => age.encryptor() }),
    onSegment: (segment) => {
      // the archive uses the memory again
      segments.push({ ...segment, body: segment.body.map((piece) => Buffer.from(piece)) });
      return outbox.send(segment);
    },
    ...options.tarball,
  });
  for (const entry of entries) {
    if (typeof entry === 'string') await tarball.startTier(entry);
    else await tarball.add(entry, 'test');
  }
  const sealed = await tarball.close();
  await outbox.settle();
  const document = commitDocument(
    { ...commitFacts(captureId, compression, recipient), ...sealed },
    outbox.shipped(),
    manifestWriter,
    (value) => value,
  );
  await destination.commit(document, signal);
  destination.close();
  lines.push(
    logLine('capture', {
      capture: captureId,
      state: 'whole',
      segments: segments.length,
      sha256: sealed.sha256 ?? undefined,
      manifest: document.sha256,
    }),
  );
  const manifest = JSON.parse(Buffer.concat(document.body).toString('utf8')) as CaptureManifest;
  return {
    folder: destination.location.replace(/\/$/u, ''),
    base,
    segments,
    manifest,
    log: `START RequestId: 1\n${lines.join('\n')}\nREPORT RequestId: 1\n`,
  };
}

/** Redacts nothing: the engine has its own tests. */
const plain: TarballOptions['redactor'] = {
  json: (value) => ({ value, redactions: [] }),
  text: (value) => ({ value, redactions: [] }),
  bytes: (value) => ({ value, redactions: [] }),
  learn: () => undefined,
};

export const TARBALL: Omit<TarballOptions, 'compression' | 'manifest' | 'onSegment'> = {
  segmentBytes: 256 * 1024,
  segmentMs: 60_000,
  partBytes: 64 * 1024,
  startedMs: 1_751_275_000_000,
  redactor: plain,
  budget: testBudget(),
  spend: () => undefined,
};

export function logLine(kind: string, record: Readonly<Record<string, unknown>>): string {
  return JSON.stringify({ amber: kind, ...record });
}

export function commitFacts(
  captureId: string,
  compression: 'zstd' | 'gzip' | 'none',
  recipient: string | undefined,
): Omit<CommitFacts, 'sha256' | 'bytes'> {
  return {
    captureId,
    compression,
    recipient: recipient ?? null,
    cause: { trigger: 'flag', reason: 'AMBER_CAPTURE is now' },
    identity: {
      functionName: 'checkout',
      functionVersion: '7',
      region: 'eu-central-1',
      account: '111122223333',
      logStream: '2025/06/30/[7]abc',
    },
    tool: { name: 'lambda-amber', version: '0.0.0', sha256: null, node: process.version },
    clocks: {
      started: '2025-06-30T09:16:40.000Z',
      ended: '2025-06-30T09:16:41.000Z',
      elapsedMs: 1000,
      destinationOffsetSeconds: 0,
    },
    cost: { cpuMs: 100, rssBefore: 1, rssAfter: 2 },
    limits: { maxBytes: 1_000_000 },
  };
}

/** What a bucket would hold: every object apart, and a receipt with the checksum of the server. */
function bucketLike(folder: string): Destination {
  mkdirSync(folder, { recursive: true });
  const keep: Destination['put'] = ({ name, body, sha256 }) => {
    writeFileSync(join(folder, name), Buffer.concat(body), { flag: 'wx' });
    return Promise.resolve({
      state: 'stored',
      attempts: 1,
      etag: 'x',
      versionId: `v-${name}`,
      checksum: Buffer.from(sha256, 'hex').toString('base64'),
      serverDate: 'Mon, 30 Jun 2025 09:16:41 GMT',
    });
  };
  return { location: folder, put: keep, commit: keep, close: () => undefined };
}

/** A few entries in three tiers, of which the last needs several segments. */
export function standardEntries(): readonly (Entry | Tier)[] {
  const json: Entry = {
    kind: 'json',
    path: 'capture.json',
    source: 'amber',
    method: 'api',
    value: { captureId: CAPTURE_ID },
  };
  return [
    json,
    bytesEntry('live_response/note.txt', 'volatile'),
    {
      kind: 'link',
      path: '[root]/proc/7/exe',
      source: '/proc/7/exe',
      method: 'readlink',
      target: '/var/lang/bin/node',
    },
    { kind: 'absent', path: '[root]/proc/8', source: '/proc/8', method: 'procfs', outcome: 'denied', reason: 'EACCES' },
    'files',
    { kind: 'directory', path: '[root]/tmp/work', source: '/tmp/work', method: 'openat' },
    ...Array.from({ length: 20 }, (_, index) =>
      bytesEntry(`[root]/tmp/work/file-${index}`, noise(5000 + index * 997, index)),
    ),
    bytesEntry('[root]/tmp/empty', ''),
    'code',
    bytesEntry('[root]/tmp/large', noise(700_000, 99)),
    bytesEntry('[root]/tmp/behind', 'after the large one'),
  ];
}

/** Bytes that do not compress and are the same in every run. */
export function noise(size: number, seed: number): Buffer {
  const body = Buffer.alloc(size);
  let state = (seed + 1) * 2_654_435_761;
  for (let index = 0; index < size; index += 1) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    body[index] = state >>> 24;
  }
  return body;
}
