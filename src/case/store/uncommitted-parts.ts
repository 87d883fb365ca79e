/**
 * The objects of a capture without manifest.json. Nobody says which are its own, so the form that most looks like a
 * capture is taken, and every other object is told.
 */
import { isPart, JOINED, SEGMENT } from './object-names.ts';
import { begins, wholePart, type CapturePart, type ForeignPart, type Parts } from './part.ts';
import type { CaseStore, StoredName } from './store.ts';

const MAX_GAPS = 10_000;
/** Objects of one number that are looked into: more of them are a flood. */
const MAX_LOOKED = 16;

export async function uncommittedParts(store: CaseStore, objects: readonly StoredName[]): Promise<Parts> {
  const all = await allParts(store, objects);
  const filled = all.filter(({ bytes }) => bytes > 0);
  const parts = await ownForm(store, filled);
  const own = new Set(parts);
  const unexpectedObjects: ForeignPart[] = [];
  for (const part of all) if (!own.has(part)) unexpectedObjects.push({ ...part, why: whyForeign(part, parts) });
  return { parts, missing: gaps(parts), unexpectedObjects };
}

/** In order; of two with one number the plain name first, and joined files last. */
async function allParts(store: CaseStore, objects: readonly StoredName[]): Promise<readonly CapturePart[]> {
  const parts: CapturePart[] = [];
  for (const object of objects) if (isPart(object.name)) parts.push(await wholePart(store, object));
  const digits = ({ object }: CapturePart): number => (SEGMENT.exec(object)?.[2] === undefined ? 0 : 1);
  const place = ({ number = Number.MAX_SAFE_INTEGER }: CapturePart): number => number;
  return parts.sort((one, other) => place(one) - place(other) || digits(one) - digits(other));
}

interface Form {
  readonly parts: readonly CapturePart[];
  /** It begins as a capture does. */
  readonly begun: boolean;
  /** Numbers that follow each other from the first on. */
  readonly run: number;
  readonly bytes: number;
}

/**
 * The form (compression, encryption, joined or not) of a capture is one, so objects of another form are somebody
 * else's.
 */
async function ownForm(store: CaseStore, filled: readonly CapturePart[]): Promise<readonly CapturePart[]> {
  const suffix = ({ object }: CapturePart): string => SEGMENT.exec(object)?.[3] ?? object;
  const groups = [
    ...Map.groupBy(
      filled.filter(({ object }) => SEGMENT.test(object) || JOINED.test(object)),
      suffix,
    ).values(),
  ];
  const forms: Form[] = [];
  for (const group of groups) {
    const parts = await oneOfEach(store, group);
    const [first] = parts;
    const end = parts.findIndex(({ number = 0 }, index) => number !== index);
    forms.push({
      parts,
      begun: groups.length > 1 && first !== undefined && (await begins(store, first)),
      run: first?.number === undefined ? Infinity : end < 0 ? parts.length : end,
      bytes: parts.reduce((sum, { bytes }) => sum + bytes, 0),
    });
  }
  const joined = forms.some(({ run }) => run === Infinity);
  forms.sort(
    (one, other) =>
      Number(other.begun) - Number(one.begun) ||
      (joined ? other.bytes - one.bytes : other.run - one.run || other.parts.length - one.parts.length),
  );
  return forms[0]?.parts ?? [];
}

/**
 * Of two of a number the one with digits came second, because the plain name was taken; more of them are a flood. What
 * does not even begin as a segment is none of them.
 */
async function oneOfEach(store: CaseStore, group: readonly CapturePart[]): Promise<readonly CapturePart[]> {
  const chosen: CapturePart[] = [];
  for (const same of Map.groupBy(group, ({ number }) => number).values()) {
    const looked: CapturePart[] = [];
    if (same.length > 1) for (const part of same.slice(0, MAX_LOOKED)) if (await begins(store, part)) looked.push(part);
    const left = looked.length > 0 ? looked : same;
    const part = left.length === 2 && same.length === 2 ? left[1] : left[0];
    if (part !== undefined) chosen.push(part);
  }
  return chosen;
}

/** Numbers below the last one that no part has. */
export function gaps(parts: readonly CapturePart[]): readonly number[] {
  const numbers = new Set(parts.map(({ number }) => number));
  const last = parts.at(-1)?.number ?? -1;
  const missing: number[] = [];
  for (let number = 0; number < last && missing.length < MAX_GAPS; number += 1)
    if (!numbers.has(number)) missing.push(number);
  return missing;
}

function whyForeign({ number, bytes, object }: CapturePart, parts: readonly CapturePart[]): string {
  if (bytes === 0) return 'it is empty';
  if (!SEGMENT.test(object) && !JOINED.test(object)) return 'Amber writes no object of this name';
  const why =
    number !== undefined && parts.some((part) => part.number === number)
      ? `segment ${number} is there twice`
      : `${parts[0]?.object ?? 'another object'} has another form`;
  return `${why}, and without manifest.json only the log tells which of the two is ours`;
}
