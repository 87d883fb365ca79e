/** What the versions of a bucket tell: what was deleted or put over, and which version came first. */
import { isAmberError } from '../../errors.ts';
import type { S3Reader, S3Version } from '../../ship/s3-read.ts';
import { isOwn } from './object-names.ts';
import type { ChangedObject, History, StoredName } from './store.ts';

export interface FirstVersion {
  readonly versionId: string;
}

export interface Versions {
  readonly history: History;
  /** Names of which the first version is not the one that S3 gives by itself. */
  readonly first: ReadonlyMap<string, FirstVersion>;
  /** The objects as they were first. */
  readonly added: readonly StoredName[];
}

/** Versions that are looked at: a capture has one of each object. */
const MAX_VERSIONS = 50_000;
const FEW_VERSIONS = 1000;
const OWN_STEMS = ['SHA256SUMS', 'capture', 'manifest.json', 'parked.json'];
const MAX_CHANGED = 10_000;

/** Never rejects: where versions cannot be listed or read, it says so. */
export async function readHistory(reader: S3Reader, prefix: string, objects: readonly StoredName[]): Promise<Versions> {
  let byName: Map<string, S3Version[]>;
  let untold: string | undefined;
  try {
    ({ byName, untold } = await listVersions(reader, prefix));
  } catch (cause) {
    if (!isAmberError(cause)) throw cause;
    return { history: { changed: [], untold: cause.message }, first: new Map(), added: [] };
  }
  const current = new Set(objects.map(({ name }) => name));
  const changed: ChangedObject[] = [];
  const first = new Map<string, FirstVersion>();
  const added: StoredName[] = [];
  for (const [name, versions] of byName) {
    const told = changeOf(versions);
    if (told === undefined || changed.length === MAX_CHANGED) continue;
    const readable = untold ?? (await tryRead(reader, told.oldest));
    if (readable === undefined) {
      first.set(name, { versionId: told.oldest.versionId });
      added.push({ name, bytes: told.oldest.bytes, modified: told.oldest.modified });
    } else untold = readable;
    const { deleted, newer, oldest } = told;
    changed.push({
      name,
      deleted,
      newer,
      first: oldest.modified,
      read: readable === undefined ? 'first' : current.has(name) ? 'current' : 'none',
    });
  }
  return { history: { changed, untold }, first, added };
}

async function listVersions(
  reader: S3Reader,
  prefix: string,
): Promise<{ byName: Map<string, S3Version[]>; untold: string | undefined }> {
  const all = await ownVersions(reader, prefix, [''], FEW_VERSIONS);
  // An intruder can fill the folder: then names of ours alone.
  const { byName, more } = all.more ? await ownVersions(reader, prefix, OWN_STEMS, MAX_VERSIONS) : all;
  const kept = [...byName.values()].flat();
  if (more) return { byName, untold: `there are more than ${MAX_VERSIONS} versions: not all were looked at` };
  return {
    byName,
    untold: kept.every(({ versionId }) => versionId === 'null' || versionId === '')
      ? 'the bucket keeps no versions'
      : undefined,
  };
}

async function ownVersions(
  reader: S3Reader,
  prefix: string,
  stems: readonly string[],
  most: number,
): Promise<{ byName: Map<string, S3Version[]>; more: boolean }> {
  const byName = new Map<string, S3Version[]>();
  let count = 0;
  for (const stem of stems) {
    for await (const version of reader.versions(`${prefix}${stem}`)) {
      if ((count += 1) > most) return { byName, more: true };
      const name = version.key.slice(prefix.length);
      if (!isOwn(name)) continue;
      const versions = byName.get(name);
      if (versions === undefined) byName.set(name, [version]);
      else versions.push(version);
    }
  }
  return { byName, more: false };
}

interface Change {
  readonly oldest: S3Version;
  readonly deleted: string | undefined;
  readonly newer: number;
}

/** Versions of one name, newest first. A retry that stored the same bytes again is no change. */
function changeOf(versions: readonly S3Version[]): Change | undefined {
  const stored = versions.filter(({ deleteMarker }) => !deleteMarker);
  const oldest = stored.at(-1);
  if (oldest === undefined) return undefined;
  const marker = versions.findLast(({ deleteMarker }) => deleteMarker);
  const newer = stored.filter(({ etag, bytes }) => etag !== oldest.etag || bytes !== oldest.bytes).length;
  if (marker === undefined && newer === 0) return undefined;
  return { oldest, newer, deleted: marker === undefined ? undefined : (marker.modified ?? 'an unknown time') };
}

/** Why the version cannot be read. */
async function tryRead(reader: S3Reader, { key, versionId, bytes }: S3Version): Promise<string | undefined> {
  try {
    if (bytes > 0) for await (const piece of reader.read(key, 0, 1, versionId)) if (piece.length > 0) break;
    return undefined;
  } catch (cause) {
    if (!isAmberError(cause)) throw cause;
    return cause.message;
  }
}

/**
 * Folders below a prefix in which a delete marker lies over something of ours. Nothing where versions cannot be listed.
 */
export async function* foldersWithDeleted(reader: S3Reader, prefix: string): AsyncGenerator<string> {
  let last: string | undefined;
  try {
    for await (const { key, deleteMarker } of reader.versions(prefix)) {
      const slash = key.lastIndexOf('/');
      const folder = key.slice(prefix.length, Math.max(prefix.length, slash));
      if (!deleteMarker || folder === last || !isOwn(key.slice(slash + 1))) continue;
      last = folder;
      yield folder;
    }
  } catch (cause) {
    if (!isAmberError(cause)) throw cause;
  }
}
