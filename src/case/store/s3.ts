/** A prefix in S3 as a folder of a capture. Versions are read as they were first stored. */
import type { S3Object, S3Reader } from '../../ship/s3-read.ts';
import { BESIDE, isOwn } from './object-names.ts';
import { foldersWithDeleted, readHistory, type FirstVersion } from './versions.ts';
import type { CaseStore, LeaveOut, Range, StoredName, Survey } from './store.ts';

/** One page of a listing: more than most captures have objects. */
const PAGE = 1000;
/** Objects that are not ours are counted so far. */
const MAX_OTHERS = 10_000;
/** Keys that begin like a segment: a capture has a few thousand at most. */
const MAX_SEGMENTS = 20_000;
/** Beyond these, segments are asked for number by number, until this many numbers in a row are not there. */
const MAX_ABSENT = 64;
const MAX_OF_NUMBER = 16;
/** Numbers that are asked for together. */
const AT_ONCE = 8;

/** `prefix` ends with a slash, or is empty. */
export function openPrefix(reader: S3Reader, bucket: string, prefix: string): CaseStore {
  const firsts = new Map<string, FirstVersion>();
  const survey = async (): Promise<Survey> => {
    const found = await surveyPrefix(reader, prefix);
    const { history, first, added } = await readHistory(reader, prefix, found.objects);
    for (const [name, version] of first) firsts.set(name, version);
    const named = new Map(found.objects.map((object) => [object.name, object]));
    for (const object of added) named.set(object.name, object);
    return { objects: [...named.values()].sort(byName), others: found.others, history };
  };
  return {
    location: `s3://${bucket}/${prefix}`,
    list: async () => (await survey()).objects,
    survey,
    walk: (leave) => walkPrefix(reader, prefix, leave, `s3://${bucket}/${prefix}`),
    deleted: () => foldersWithDeleted(reader, prefix),
    enter: (folder) => openPrefix(reader, bucket, folder === '' ? prefix : `${prefix}${folder}/`),
    read: (name: string, range?: Range) =>
      reader.read(`${prefix}${name}`, range?.start, range?.bytes, firsts.get(name)?.versionId),
  };
}

const byName = (one: StoredName, other: StoredName): number => (one.name < other.name ? -1 : 1);

/** An intruder can write a million keys into the folder: then only names of ours are asked for. */
async function surveyPrefix(reader: S3Reader, prefix: string): Promise<Pick<Survey, 'objects' | 'others'>> {
  const nameOf = ({ key, bytes, modified }: S3Object): StoredName => ({
    name: key.slice(prefix.length),
    bytes,
    modified,
  });
  const own = (objects: readonly S3Object[]): StoredName[] => objects.map(nameOf).filter(({ name }) => isOwn(name));
  const page = await reader.some(prefix, PAGE);
  const first = own(page.objects);
  if (!page.more) return { objects: first, others: { count: page.objects.length - first.length, atLeast: false } };
  const counted = await reader.some(prefix, MAX_OTHERS);
  const beside = await Promise.all(BESIDE.map((name) => reader.some(`${prefix}${name}`, 1)));
  const joined = await reader.some(`${prefix}capture.tar`, MAX_OF_NUMBER);
  const segments = await reader.some(`${prefix}capture-`, MAX_SEGMENTS);
  const objects = [...own(beside.flatMap((one) => one.objects)), ...own(joined.objects), ...own(segments.objects)];
  if (segments.more) objects.push(...own(await byNumber(reader, prefix)));
  const unique = [...new Map(objects.map((object) => [object.name, object])).values()];
  const others = counted.objects.length - own(counted.objects).length;
  return { objects: unique.sort(byName), others: { count: others, atLeast: counted.more } };
}

async function byNumber(reader: S3Reader, prefix: string): Promise<S3Object[]> {
  const found: S3Object[] = [];
  let absent = 0;
  for (let number = 0; absent < MAX_ABSENT && number <= MAX_SEGMENTS; number += AT_ONCE) {
    const numbers = Array.from({ length: AT_ONCE }, (_, index) => number + index);
    for (const objects of await Promise.all(numbers.map((one) => ofNumber(reader, prefix, one)))) {
      absent = objects.length === 0 ? absent + 1 : 0;
      found.push(...objects);
    }
  }
  return found;
}

async function ofNumber(reader: S3Reader, prefix: string, number: number): Promise<readonly S3Object[]> {
  const stem = `${prefix}capture-${String(number).padStart(4, '0')}`;
  const asked = [`${stem}.tar`, `${stem}-`].map((one) => reader.some(one, MAX_OF_NUMBER));
  return (await Promise.all(asked)).flatMap(({ objects }) => objects);
}

/** The folder of one capture: others lie beside it, not in it. */
const OF_CAPTURE = /(?:^|\/)capture=[^/]+$/u;

interface Walked extends StoredName {
  readonly folder: string;
}

/**
 * All keys, in order. An intruder can fill the folder of a capture. Behind 10,000 keys of others, names of ours alone
 * are asked for there, and the folders below it are left out.
 */
async function* walkPrefix(
  reader: S3Reader,
  prefix: string,
  leave: LeaveOut | undefined,
  location: string,
): AsyncGenerator<Walked> {
  let after: string | undefined;
  do {
    const flooded = yield* walkOn(reader, prefix, after);
    after = flooded === undefined ? undefined : `${prefix}${flooded.folder}/${LAST}`;
    if (flooded === undefined) return;
    const { folder, told } = flooded;
    const { objects } = await surveyPrefix(reader, `${prefix}${folder}/`);
    for (const object of objects) if (!told.has(object.name)) yield { ...object, folder };
    // The evidence in it was read: this is no gap that an intruder can make, and changes no exit code.
    leave?.({
      path: `${location}${folder}/`,
      kind: 'link',
      why: `more than ${MAX_OTHERS} other objects lie in it, so folders below it are not followed`,
    });
  } while (after !== undefined);
}

/** Behind every key of a folder, in the order of UTF-8 bytes. */
const LAST = '\u{10ffff}';

interface Flooded {
  readonly folder: string;
  /** Names of ours that were told of it. */
  readonly told: ReadonlySet<string>;
}

/** To the end, or to a folder that is flooded. */
async function* walkOn(
  reader: S3Reader,
  prefix: string,
  after: string | undefined,
): AsyncGenerator<Walked, Flooded | undefined> {
  let [open, others, told] = ['', 0, new Set<string>()];
  for await (const { key, bytes } of reader.list(prefix, after)) {
    const path = key.slice(prefix.length);
    const slash = path.lastIndexOf('/');
    const [folder, name] = [slash < 0 ? '' : path.slice(0, slash), path.slice(slash + 1)];
    if (folder !== open) [open, others, told] = [folder, 0, new Set()];
    if (isOwn(name)) told.add(name);
    else if ((others += 1) > MAX_OTHERS && OF_CAPTURE.test(folder)) return { folder, told };
    yield { folder, name, bytes };
  }
  return undefined;
}
