/** The bytes of one part of a capture on their way to the tar stream: as stored, out of the age file, decompressed. */
import { AmberError, isAmberError } from '../../errors.ts';
import type { AgeIdentity } from '../../seal/age-open.ts';
import { decompress } from './decompress.ts';
import type { CapturePart, OpenCapture } from '../store/open.ts';

/**
 * The stored bytes of a part. `see` is called with every chunk, in order, and waited for. Where {@link mayFleet} says
 * so, `reuseBuffers` spares memory: a chunk is good until the next one is asked for.
 */
export async function* storedBytes(
  capture: OpenCapture,
  part: CapturePart,
  see?: (chunk: Uint8Array) => Promise<void> | undefined,
  { reuseBuffers = false }: { readonly reuseBuffers?: boolean } = {},
): AsyncGenerator<Uint8Array> {
  for await (const chunk of capture.store.read(part.object, part.range, { reuseBuffers })) {
    await see?.(chunk);
    yield chunk;
  }
}

/**
 * True where {@link tarBytes} holds no chunk of what it reads: gunzip and age work on one while they ask for the next.
 */
export function mayFleet({ packing, sealed }: CapturePart): boolean {
  return packing !== 'gzip' && !sealed;
}

/**
 * The tar stream of a part from its stored bytes. `reuseBuffers`: each piece is good until the next one is asked for.
 *
 * @throws AmberError ARCHIVE_CORRUPT for damage, IDENTITY_INVALID where it is an age file and there is no identity for
 *   it.
 */
export function tarBytes(
  stored: AsyncIterable<Uint8Array>,
  part: CapturePart,
  identity: AgeIdentity | undefined,
  { reuseBuffers = false }: { readonly reuseBuffers?: boolean } = {},
): AsyncGenerator<Buffer> {
  return decompress(part.sealed ? openAge(stored, part, identity) : stored, part.packing, { reuseBuffers });
}

/** The tar stream of all parts. @throws AmberError as {@link tarBytes} does. */
export async function* wholeBytes(capture: OpenCapture, identity: AgeIdentity | undefined): AsyncGenerator<Buffer> {
  for (const part of capture.parts) yield* tarBytes(storedBytes(capture, part), part, identity);
}

/** The content of an age file. */
export async function* openAge(
  stored: AsyncIterable<Uint8Array>,
  part: CapturePart,
  identity: AgeIdentity | undefined,
): AsyncGenerator<Uint8Array> {
  if (identity === undefined) {
    throw new AmberError(
      'IDENTITY_INVALID',
      `${part.object} is an age file: give the identity that opens it with --identity FILE.`,
    );
  }
  const decryptor = identity.decryptor();
  for await (const chunk of stored) yield* named(part, () => decryptor.push(chunk));
  yield* named(part, () => decryptor.finish());
}

/** True where manifest.json names the identity's own key: what that does not open was changed. */
export function isOurKey({ manifest }: OpenCapture, identity: AgeIdentity | undefined): boolean {
  return typeof manifest?.recipient === 'string' && identity?.recipients.includes(manifest.recipient) === true;
}

/** The error says which of the parts it is. */
function named<T>(part: CapturePart, run: () => T): T {
  try {
    return run();
  } catch (cause) {
    throw isAmberError(cause) ? new AmberError(cause.code, `${part.object}: ${cause.message}`, { cause }) : cause;
  }
}

/** The same bytes, without the right to end them: after a reader has failed, the rest can still be hashed. */
export function shielded<T>(iterator: AsyncIterator<T>): AsyncIterable<T> {
  return { [Symbol.asyncIterator]: () => ({ next: () => iterator.next() }) };
}
