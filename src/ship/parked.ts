/**
 * Objects that the destination did not take before a sandbox was reset are parked in its /tmp, which outlives the reset
 * (AWS, "Lambda execution environment lifecycle"). They are sent in the next life. An intruder in the sandbox can
 * change or forge them meanwhile: the digest goes to the log before the file is made, and what is sent says that it is
 * unverified.
 */
import { createHash } from 'node:crypto';
import {
  closeSync,
  constants,
  fstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readSync,
  statfsSync,
  unlinkSync,
  writeSync,
} from 'node:fs';
import type { CaptureIdentity, Destination, DestinationProvider, StoredObject, Config } from '../contracts/evidence.ts';
import { AmberError, describeError, isAmberError } from '../errors.ts';
import { openDestination } from './index.ts';

/** Of what is free in /tmp, at most this part is used. */
const SHARE = 0.1;
/** Parked files that are looked at: anybody may put some there. */
const MAX_FILES = 16;
const MAX_BYTES = 64 * 1024 * 1024;
/** `<capture id>.<date>.<object>`; nothing else is read. */
const NAME =
  /^([0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12})\.(\d{4}-\d\d-\d\d)\.(capture-\d{4,6}\.tar(?:\.zst|\.gz)?(?:\.age)?)$/u;

export interface Parking {
  /** Folder, such as `/tmp/.amber-parked`. */
  readonly folder: string;
  /** Called before a file is made, with what goes to the log; and after, where it could not be made. */
  readonly log: (stream: 'parked' | 'fault', record: Readonly<Record<string, unknown>>) => unknown;
  /** SHA-256 of what was parked in this life, with its size: a capture does not nest it. */
  readonly digests: Map<string, number>;
  /** Puts that have not settled. */
  readonly pending: Set<Promise<unknown>>;
}

export function openParking(tmp: string, log: Parking['log']): Parking {
  return { folder: `${tmp}/.amber-parked`, log, digests: new Map(), pending: new Set() };
}

/** A provider that stands in front of that of `protocol` and parks what it does not take. */
export function parkingProvider(parking: Parking, protocol: string): DestinationProvider {
  return {
    name: 'parking',
    protocol,
    description: 'Parks in /tmp what the destination does not take.',
    open: async (url, capture, config) => {
      const destinations = config.destinations.filter((one) => one.name !== 'parking');
      const inner = await Promise.resolve(openDestination(url.href, capture, { ...config, destinations })).catch(
        (error: unknown) => closed(url, error),
      );
      const put: Destination['put'] = async (object, signal, onTrouble) => {
        try {
          return await inner.put(object, signal, onTrouble);
        } catch (error) {
          if (!isTaken(error)) park(parking, { capture, object, sealed: config.recipient !== undefined });
          throw error;
        }
      };
      return {
        ...inner,
        put: (object, signal, onTrouble) => {
          const settled = put(object, signal, onTrouble).finally(() => parking.pending.delete(settled));
          parking.pending.add(settled);
          return settled;
        },
      };
    },
  };
}

/** The object is there, under this name: nothing has to be kept. */
function isTaken(error: unknown): boolean {
  return isAmberError(error) && error.code === 'DESTINATION_EXISTS';
}

/** Where the destination cannot even be opened. */
function closed(url: URL, error: unknown): Destination {
  const reason = isAmberError(error) ? error : new AmberError('DESTINATION_FAILED', undefined, { cause: error });
  const refuse = (): Promise<never> => Promise.reject(reason);
  return {
    location: `${url.protocol}//${url.host}${url.pathname}`,
    put: refuse,
    commit: refuse,
    close: () => undefined,
  };
}

interface Parked {
  readonly capture: CaptureIdentity;
  readonly object: StoredObject;
  readonly sealed: boolean;
}

/**
 * Never throws. Contents are raw where nothing seals them, and stand in /tmp already: of those the first segment alone
 * is kept.
 */
function park(parking: Parking, { capture, object, sealed }: Parked): void {
  const name = `${capture.captureId}.${capture.date}.${object.name}`;
  if (!NAME.test(name) || (!sealed && !object.name.startsWith('capture-0000.'))) return;
  const facts = {
    capture: capture.captureId,
    object: object.name,
    segment: Number(/\d+/u.exec(object.name)?.[0]),
    bytes: object.bytes,
    sha256: object.sha256,
  };
  let fd = -1;
  let folder = -1;
  let made = false;
  try {
    folder = openFolder(parking.folder, { make: true });
    const { bavail, bsize } = statfsSync(`/proc/self/fd/${String(folder)}`);
    const used = [...parking.digests.values()].reduce((sum, bytes) => sum + bytes, 0);
    if (used + object.bytes > Math.min(MAX_BYTES, (bavail * bsize + used) * SHARE)) {
      throw new AmberError('DESTINATION_FAILED', 'less than ten times its size is free in /tmp');
    }
    parking.log('parked', { ...facts, state: 'parked' });
    fd = openSync(
      `/proc/self/fd/${String(folder)}/${name}`,
      constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW,
      0o600,
    );
    made = true;
    for (const piece of object.body) for (let at = 0; at < piece.byteLength; ) at += writeSync(fd, piece, at);
    parking.digests.set(object.sha256, object.bytes);
  } catch (error) {
    if (made) attempt(() => unlinkSync(`/proc/self/fd/${String(folder)}/${name}`));
    parking.log('fault', { where: 'parked', ...facts, error: describeError(error) });
  } finally {
    for (const one of [fd, folder]) if (one >= 0) attempt(() => closeSync(one));
  }
}

/** @throws the system's error; a link or another thing in its place is not followed. */
function openFolder(path: string, { make }: { readonly make: boolean }): number {
  if (make) attempt(() => mkdirSync(path, { mode: 0o700 }));
  return openSync(path, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW);
}

function attempt(work: () => unknown): void {
  try {
    work();
  } catch {
    // what comes next tells
  }
}

/** True if there is something to send. One system call where there is not. */
export function hasParked({ folder }: Parking): boolean {
  try {
    const fd = openFolder(folder, { make: false });
    closeSync(fd);
    return true;
  } catch {
    return false;
  }
}

/**
 * Sends what lies in the folder, each object to the folder of its capture, with a note `parked.json` beside it, and
 * removes what was taken. Bounded in number and bytes: an intruder in the sandbox may have put more there. Never
 * rejects.
 */
export async function sendParked(
  parking: Parking,
  place: Omit<CaptureIdentity, 'captureId' | 'date'>,
  config: Config,
  signal: AbortSignal,
): Promise<void> {
  let folder = -1;
  try {
    folder = openFolder(parking.folder, { make: false });
    const base = `/proc/self/fd/${String(folder)}`;
    const captures = Map.groupBy(
      readdirSync(base)
        .filter((name) => NAME.test(name))
        .sort()
        .slice(0, MAX_FILES),
      (name) => name.slice(0, 36),
    );
    let left = MAX_BYTES;
    for (const [captureId, names] of captures) {
      const objects = names.flatMap((name) => {
        const object = read(`${base}/${name}`, name, left);
        left -= object?.bytes ?? 0;
        return object === undefined ? [] : [{ name, object }];
      });
      const date = NAME.exec(names[0] ?? '')?.[2] ?? '';
      await sendCapture(parking, { base, identity: { ...place, captureId, date }, objects, config, signal });
    }
  } catch (error) {
    parking.log('fault', { where: 'parked', error: describeError(error) });
  } finally {
    if (folder >= 0) attempt(() => closeSync(folder));
  }
}

interface Sending {
  readonly base: string;
  readonly identity: CaptureIdentity;
  readonly objects: readonly { readonly name: string; readonly object: StoredObject }[];
  readonly config: Config;
  readonly signal: AbortSignal;
}

async function sendCapture(parking: Parking, { base, identity, objects, config, signal }: Sending): Promise<void> {
  if (objects.length === 0) return;
  let destination: Destination | undefined;
  try {
    destination = await openDestination(config.destination ?? '', identity, config);
    const segments = [];
    for (const { name, object } of objects) {
      const { name: stored = object.name } = (await destination
        .put(object, signal)
        .catch((error: unknown) => (isTaken(error) ? {} : Promise.reject(error as Error)))) as { name?: string };
      segments.push({ name: stored, bytes: object.bytes, sha256: object.sha256 });
      parking.log('parked', {
        capture: identity.captureId,
        object: stored,
        bytes: object.bytes,
        sha256: object.sha256,
        state: 'sent',
        note: 'parked, unverified',
      });
      unlinkSync(`${base}/${name}`);
    }
    const note = Buffer.from(
      `${JSON.stringify(
        {
          amber: 'parked',
          state: 'parked, unverified',
          captureId: identity.captureId,
          sent: new Date().toISOString(),
          segments,
        },
        undefined,
        1,
      )}\n`,
    );
    await destination.put(
      {
        name: 'parked.json',
        body: [note],
        bytes: note.length,
        sha256: createHash('sha256').update(note).digest('hex'),
      },
      signal,
    );
  } catch (error) {
    parking.log('fault', { where: 'parked', capture: identity.captureId, error: describeError(error) });
  } finally {
    destination?.close();
  }
}

/** A plain file of ours alone, no larger than what is left; nothing that hangs is opened. */
function read(path: string, name: string, left: number): StoredObject | undefined {
  let fd = -1;
  try {
    fd = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    const stat = fstatSync(fd);
    if (!stat.isFile() || stat.nlink !== 1 || stat.size > left || stat.size === 0) return undefined;
    const body = Buffer.alloc(stat.size);
    const bytes = readSync(fd, body, 0, stat.size, 0);
    const whole = body.subarray(0, bytes);
    return {
      name: NAME.exec(name)?.[3] ?? '',
      body: [whole],
      bytes,
      sha256: createHash('sha256').update(whole).digest('hex'),
    };
  } catch {
    return undefined;
  } finally {
    if (fd >= 0) closeSync(fd);
  }
}
