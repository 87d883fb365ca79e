/** A download of code as entries: the bytes, and what their digest says. */
import type { Entry } from '../contracts/evidence.ts';
import { jsonEntry } from './ask.ts';
import type { AcquireContext } from './contracts.ts';
import { openDownload, type Download, type Opener } from './download.ts';
import { absentEntry, type Asked } from './error-class.ts';

export interface CodeItem {
  /** Where the bytes go; the facts go beside it, with `.json` in place of `.zip` or `.blob`. */
  readonly asked: Asked;
  /** Base64 SHA-256 and size that Lambda states. */
  readonly codeSha256: string | undefined;
  readonly codeSize: number | undefined;
  /** Where the bytes came from, for the facts; without signatures. */
  readonly origin: Readonly<Record<string, unknown>>;
}

/** A download that was begun, or why it could not be. */
export type Begun = { readonly download: Download } | { readonly error: unknown };

export async function begin(open: Opener, { meter, signal }: AcquireContext): Promise<Begun> {
  try {
    return { download: await openDownload({ open, meter, signal }) };
  } catch (error) {
    return { error };
  }
}

export function* codeEntries(item: CodeItem, begun: Begun, context: AcquireContext): Generator<Entry> {
  const { asked } = item;
  if ('error' in begun) {
    yield absentEntry(asked, begun.error);
    return;
  }
  const { download } = begun;
  yield {
    kind: 'stream',
    path: asked.path,
    source: asked.call,
    method: 'https',
    size: download.size,
    chunks: download.chunks,
    notes: () => verification(item, download),
  };
  const facts = verification(item, download);
  const short = download.facts().bytes < download.size;
  if (facts['matches'] === false)
    context.warn(`${asked.path}: the bytes do not have the CodeSha256 that Lambda states (${String(item.codeSha256)})`);
  yield {
    ...jsonEntry(
      { path: asked.path.replace(/\.(?:zip|blob)$/u, '.json'), call: asked.call },
      { ...item.origin, ...facts },
    ),
    ...(short ? ({ outcome: 'truncated', reason: 'the download ended before its announced length' } as const) : {}),
  };
}

function verification({ codeSha256, codeSize }: CodeItem, download: Download): Record<string, unknown> {
  const { bytes, sha256, attempts } = download.facts();
  return {
    codeSha256: codeSha256 ?? null,
    codeSize: codeSize ?? null,
    bytes,
    sha256Base64: sha256,
    attempts,
    matches: codeSha256 === undefined ? null : codeSha256 === sha256 && (codeSize === undefined || codeSize === bytes),
  };
}
