/** What a sandbox has left in its evidence folder, read from the tarballs alone. */
import { createHash } from 'node:crypto';
import { createReadStream, globSync, readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { extract, type Header } from 'tar-stream';
import { decompress } from '../../../src/case/tar/decompress.ts';
import type { Finding } from '../../../src/contracts/evidence.ts';
import type { Evidence } from './case.ts';

/** An entry of the tarball. */
export interface Item {
  readonly type: Header['type'];
  readonly target: string | undefined;
  readonly sha256: string;
  /** Its text, up to a megabyte. */
  readonly text: string;
}

export interface SeenCapture {
  readonly trigger: string;
  readonly reason: string;
  /** False: an extension has taken it. */
  readonly inProcess: boolean;
  readonly state: string;
  readonly findings: readonly Finding[];
  readonly items: ReadonlyMap<string, Item>;
}

const TEXT_BYTES = 2 ** 20;

/** All captures below `evidence` that are whole, in the order of their ids. */
export async function readCaptures(evidence: string): Promise<SeenCapture[]> {
  const seen: SeenCapture[] = [];
  for (const manifest of globSync(`${evidence}/**/manifest.json`).sort()) seen.push(await readCapture(manifest));
  return seen;
}

/** How many captures have begun and not ended. */
export function unfinished(evidence: string): number {
  const begun = new Set(globSync(`${evidence}/**/capture-*`).map((path) => dirname(path)));
  return [...begun].filter((folder) => globSync(`${folder}/manifest.json`).length === 0).length;
}

async function readCapture(manifest: string): Promise<SeenCapture> {
  const { state } = JSON.parse(readFileSync(manifest, 'utf8')) as { state: string };
  const items = new Map<string, Item>();
  for (const tarball of globSync(`${dirname(manifest)}/capture*.tar.zst`).sort()) await readTarball(tarball, items);
  const { cause, inProcess } = JSON.parse(items.get('capture.json')?.text ?? '{}') as {
    cause: { trigger: string; reason: string };
    inProcess: boolean;
  };
  const rows = (items.get('live_response/findings.jsonl')?.text ?? '')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Finding | object);
  // The first row is about the look.
  const findings = rows.filter((row): row is Finding => 'detector' in row);
  return { trigger: cause.trigger, reason: cause.reason, inProcess, state, findings, items };
}

async function readTarball(path: string, items: Map<string, Item>): Promise<void> {
  const reader = extract();
  reader.on('entry', (header, body, next) => {
    const hash = createHash('sha256');
    let text = '';
    body.on('data', (piece: unknown) => {
      const chunk = piece as Buffer;
      hash.update(chunk);
      if (text.length < TEXT_BYTES) text += chunk.toString('latin1');
    });
    body.on('end', () => {
      items.set(header.name, { type: header.type, target: header.linkname, sha256: hash.digest('hex'), text });
      next();
    });
  });
  await pipeline(decompress(createReadStream(path), 'zstd'), reader);
}

/** What of `wanted` the capture does not hold, in words. */
export function missingEvidence(capture: SeenCapture, wanted: readonly Evidence[]): string[] {
  return wanted
    .filter((one) => !holds(capture, one))
    .map(
      (one) =>
        `${one.path.source}${one.holds === undefined ? '' : ` with ${one.holds.source}`}${one.target === undefined ? '' : ` -> ${one.target.source}`}${one.is === undefined ? '' : ` = ${one.is}`}`,
    );
}

function holds({ items }: SeenCapture, { path, holds: text, is, target }: Evidence): boolean {
  const sha256 = is === undefined ? undefined : createHash('sha256').update(readFileSync(is)).digest('hex');
  return [...items].some(
    ([name, item]) =>
      path.test(name) &&
      (text?.test(item.text) ?? true) &&
      (target?.test(item.target ?? '') ?? true) &&
      (sha256 === undefined || item.sha256 === sha256),
  );
}
