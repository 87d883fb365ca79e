/**
 * From entries to a committed tarball: archive → seal → ship, the part that a capture in a sandbox and a collection of
 * the control plane have in common.
 */
import type { TarballOptions } from '../archive/contracts.ts';
import { Tarball } from '../archive/tarball.ts';
import type { Destination, StoredObject } from '../contracts/evidence.ts';
import { defined } from '../defined.ts';
import { AmberError, describeError, isAmberError } from '../errors.ts';
import { signalAfter } from '../signal-after.ts';
import { openOutbox, untilAborted, type Outbox, type OutboxOptions, type Shipped } from '../ship/outbox.ts';

/**
 * Segments on their way at a time. With the one being filled this bounds the memory of a capture while all goes well.
 */
const IN_FLIGHT = 2;
/** Segments beside those that may wait for a destination that fails; as memory, since segments differ. */
const WAITING = 3;

/** The joined tarball. */
export interface Sealed {
  /** Null where it was not wanted. */
  readonly sha256: string | null;
  readonly bytes: number;
}

export interface DeliveryParts {
  readonly destination: Destination;
  readonly tarball: Omit<TarballOptions, 'onSegment'>;
  /** Aborted when nothing may go on. */
  readonly hardStop: AbortSignal;
  /** Aborted when the commit marker must wait no longer for segments that nobody acknowledges. */
  readonly commitBy?: AbortSignal;
  /** Puts the entries in. */
  readonly fill: (tarball: Tarball) => Promise<void>;
  /** Longest time that a segment is tried while the destination fails, milliseconds; without it until the hard stop. */
  readonly patienceMs?: number;
  /** Called once for each segment that was stored or lost. */
  readonly onShipped: (shipped: Shipped, outbox: Outbox) => void;
  readonly onTrouble?: OutboxOptions['onTrouble'];
  readonly onFull?: OutboxOptions['onFull'];
  /** The commit marker, written when at least one segment was stored. */
  readonly marker: (shipped: readonly Shipped[], sealed: Sealed) => StoredObject;
}

export interface Delivery {
  readonly shipped: readonly Shipped[];
  /** Set when the tar stream was closed in order. */
  readonly sealed?: Sealed;
  /** SHA-256 of manifest.json as it was sent; `error` says if it was not stored. */
  readonly manifestDigest?: string;
  readonly error?: AmberError;
}

/** Never rejects. */
export async function deliver(parts: DeliveryParts): Promise<Delivery> {
  const { destination, hardStop, tarball, patienceMs, onTrouble, onFull } = parts;
  const outbox = openOutbox(destination, {
    signal: hardStop,
    inFlight: IN_FLIGHT,
    waitingBytes: WAITING * (tarball.segmentBytes + 2 * tarball.partBytes),
    onShipped: (shipped) => parts.onShipped(shipped, outbox),
    ...defined({ patienceMs, onTrouble, onFull }),
  });
  try {
    return await fillAndCommit(parts, outbox);
  } finally {
    outbox.close();
  }
}

async function fillAndCommit(parts: DeliveryParts, outbox: Outbox): Promise<Delivery> {
  const { hardStop } = parts;
  const tarball = new Tarball({ ...parts.tarball, onSegment: outbox.send });
  let sealed: Sealed;
  try {
    await untilAborted(parts.fill(tarball), hardStop);
    sealed = await untilAborted(tarball.close(), hardStop);
    await outbox.settle(parts.commitBy);
  } catch (cause) {
    tarball.abandon();
    outbox.close();
    await outbox.settle();
    const shipped = outbox.shipped();
    // What the destination said is why the time was over.
    const fault = shipped.find(({ error }) => error !== undefined && error.code !== 'CAPTURE_ABORTED')?.error;
    return { shipped, error: fault ?? asAmberError(cause) };
  }
  if (outbox.shipped().every(({ receipt }) => receipt === undefined)) await outbox.settle();
  const known = outbox.shipped();
  if (known.every(({ receipt }) => receipt === undefined)) return { shipped: known };
  const ended = await commit(parts, known, sealed);
  await outbox.settle();
  // Whatever comes of them later, the marker calls these lost.
  const unanswered = known.find(({ error }) => error !== undefined)?.error;
  return { shipped: outbox.shipped(), sealed, ...defined({ error: unanswered }), ...ended };
}

async function commit(
  { destination, hardStop, marker, patienceMs }: DeliveryParts,
  shipped: readonly Shipped[],
  sealed: Sealed,
): Promise<Pick<Delivery, 'manifestDigest' | 'error'>> {
  let manifestDigest: string | undefined;
  try {
    const document = marker(shipped, sealed);
    manifestDigest = document.sha256;
    const signal = patienceMs === undefined ? hardStop : AbortSignal.any([hardStop, signalAfter(patienceMs)]);
    await untilAborted(destination.commit(document, signal), hardStop);
    return { manifestDigest };
  } catch (cause) {
    return { error: asAmberError(cause), ...defined({ manifestDigest }) };
  }
}

export function asAmberError(cause: unknown): AmberError {
  return isAmberError(cause) ? cause : new AmberError('BUG', describeError(cause), { cause });
}
