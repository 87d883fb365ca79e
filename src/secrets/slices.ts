/** Redaction of a body in slices, so that an environment of 256 KB does not hold somebody's main thread. */
import type { Redaction } from '../contracts/evidence.ts';
import type { Redactor } from './contracts.ts';

/** Bytes at a stretch: a few milliseconds where every variable is a secret. */
const SLICE = 2048;

/**
 * As `redactor.bytes`, with a look at the clock between slices. Only an environment is cut, between its variables: each
 * is judged by itself. A command line and a text are not, because what stands before a secret may tell of it.
 */
export async function redactInSlices(
  redactor: Redactor,
  body: Uint8Array,
  kind: Redaction,
  yieldIfDue: () => Promise<void> | undefined,
): Promise<{ readonly value: Uint8Array; readonly redactions: readonly string[] }> {
  if (kind !== 'environ' || body.length <= SLICE) return redactor.bytes(body, kind);
  const parts: Uint8Array[] = [];
  const redactions: string[] = [];
  let isChanged = false;
  for (let start = 0; start < body.length; ) {
    const cut = body.indexOf(0, start + SLICE);
    const end = cut < 0 ? body.length : cut + 1;
    const slice = body.subarray(start, end);
    const shown = redactor.bytes(slice, kind);
    isChanged ||= shown.value !== slice;
    parts.push(shown.value);
    redactions.push(...shown.redactions);
    start = end;
    await yieldIfDue();
  }
  return { value: isChanged ? Buffer.concat(parts) : body, redactions };
}
