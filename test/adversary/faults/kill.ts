/** Captures in processes that are killed at a random moment, and what is left of them. */
import { rmSync } from 'node:fs';
import { resolve } from 'node:path';
import { readLogDigests } from '../../../src/case/log/lines.ts';
import { verifyCapture } from '../../../src/case/verify/verify.ts';
import { openIdentity, type AgeIdentity } from '../../../src/seal/age-open.ts';
import { TRANSPORTS } from '../../ship/s3-opened.ts';
import type { Bucket, Objects } from './bucket.ts';
import { IDENTITY } from './captures.ts';
import { seeded, type Random } from './cases.ts';
import { checkAcknowledged, checkSalvage, linesOf, openStored, type Evidence, type SegmentLine } from './judge.ts';
import { chunks } from './judge-capture.ts';
import type { ChildOrder } from './kill-order.ts';
import { plantScene, type PlantedScene } from './scene.ts';
import { bundleChild, type Child, drawMoment, orderFor, runChild } from './killed-child.ts';

export interface KillFigures {
  readonly kills: number;
  /** By what was there when the process died. */
  readonly moments: Readonly<Record<'nothing stored' | 'some segments' | 'committed', number>>;
  /** Captures that had ended before the signal came: they are judged as well, and not counted as kills. */
  readonly tooLate: number;
  readonly withRecipient: number;
  /** Captures from which a segment in the middle was taken away afterwards. */
  readonly holed: number;
  /** Segments that were acknowledged in the log of the process, and segments that were in the bucket. */
  readonly acknowledged: number;
  readonly stored: number;
  /** Entries that salvage gave; paths that the inventory named though nothing is there of them. */
  readonly salvaged: number;
  readonly named: number;
  /** Time of an undisturbed capture. */
  readonly usualMs: number;
  readonly violations: readonly string[];
}

export interface KillsRun {
  readonly kills: number;
  readonly seed: number;
  readonly bucket: Bucket;
  readonly onProgress?: (done: number) => void;
}

const LANES = 2;
/** Undisturbed captures before; the first ones are slow. */
const MEASURED = 8;

type Tally = { -readonly [K in keyof Omit<KillFigures, 'moments' | 'violations' | 'usualMs'>]: number } & {
  moments: Record<keyof KillFigures['moments'], number>;
  violations: string[];
};

export async function runKills({ kills, seed, bucket, onProgress }: KillsRun): Promise<KillFigures> {
  const scene = plantScene();
  const program = await bundleChild();
  const identity = openIdentity(IDENTITY);
  const tally: Tally = {
    kills: 0,
    withRecipient: 0,
    holed: 0,
    acknowledged: 0,
    stored: 0,
    salvaged: 0,
    named: 0,
    tooLate: 0,
    moments: { 'nothing stored': 0, 'some segments': 0, committed: 0 },
    violations: [],
  };
  const order = (prefix: string, index: number): ChildOrder =>
    orderFor({
      bucket,
      scene,
      prefix,
      transport: TRANSPORTS[index % 2] ?? 'light',
      recipient: index % 4 < 2 ? undefined : identity.recipients[0],
    });
  try {
    const undisturbed = await inLanes(
      MEASURED,
      async (index) => (await runChild(program, order(`undisturbed-${index}`, index), bucket)).tookMs,
    );
    const usualMs = undisturbed.sort((one, other) => one - other)[MEASURED / 2] ?? 0;
    await inLanes(3 * kills, async (index) => {
      if (tally.kills >= kills) return;
      const random = seeded(seed * 2_000_003 + index);
      const child = await runChild(program, order(`kill-${index}`, index), bucket, drawMoment(index, random, usualMs));
      await judge({ index, seed, child, bucket, scene, identity, random, sealed: index % 4 >= 2 }, tally);
      onProgress?.(tally.kills);
    });
    return { ...tally, usualMs: Math.round(usualMs) };
  } finally {
    scene.remove();
    rmSync(resolve(program, '..'), { recursive: true, force: true });
  }
}

/** Calls `work` for 0, 1, … `count` - 1, two at a time. */
async function inLanes<T>(count: number, work: (index: number) => Promise<T>): Promise<T[]> {
  const results: T[] = [];
  let next = 0;
  const lane = async (): Promise<void> => {
    for (let index = next++; index < count; index = next++) results[index] = await work(index);
  };
  await Promise.all(Array.from({ length: LANES }, lane));
  return results;
}

interface Killed {
  readonly index: number;
  readonly seed: number;
  readonly child: Child;
  readonly bucket: Bucket;
  readonly scene: PlantedScene;
  readonly identity: AgeIdentity;
  readonly random: Random;
  readonly sealed: boolean;
}

async function judge(
  { index, seed, child, bucket, scene, identity, random, sealed }: Killed,
  tally: Tally,
): Promise<void> {
  const prefix = `kill-${index}/`;
  const whole = await bucket.read(prefix);
  const removed = random() < 0.4 ? await takeOneAway(bucket, prefix, whole, random) : undefined;
  const objects = removed === undefined ? whole : await bucket.read(prefix);
  const evidence: Evidence = {
    objects,
    log: child.log,
    scene,
    identity: sealed ? identity : undefined,
    removed: new Set(removed === undefined ? [] : [removed]),
  };
  const acknowledged = linesOf<SegmentLine>(child.log, 'segment').filter(({ state }) => state !== 'lost');
  const stored = [...objects.keys()].filter((name) => name.startsWith('capture-')).length;
  const problems = checkAcknowledged(evidence);
  if (child.killed) tally.kills += 1;
  else tally.tooLate += 1;
  tally.withRecipient += sealed && child.killed ? 1 : 0;
  tally.holed += removed === undefined ? 0 : 1;
  tally.acknowledged += acknowledged.length;
  tally.stored += stored;
  if (child.killed)
    tally.moments[objects.has('manifest.json') ? 'committed' : stored > 0 ? 'some segments' : 'nothing stored'] += 1;
  if (stored > 0) {
    const { problems: more, result } = await checkSalvage(evidence);
    problems.push(
      ...more,
      ...(await checkVerdict(
        evidence,
        removed,
        acknowledged.some(({ segment }) => segment === removed),
      )),
    );
    tally.salvaged += (result.states.whole ?? 0) + (result.states.unconfirmed ?? 0);
    tally.named += result.inventory.unseen;
  }
  await bucket.remove(...(await bucket.keysBelow(prefix)));
  tally.violations.push(
    ...problems.map(
      (problem) =>
        `seed ${seed}, kill ${index}${sealed ? ', recipient' : ''}${removed === undefined ? '' : `, segment ${removed} removed`}: ${problem}`,
    ),
  );
}

/** Removes a segment that is neither the first nor the last from the bucket, and gives its number. */
async function takeOneAway(
  bucket: Bucket,
  prefix: string,
  objects: Objects,
  random: Random,
): Promise<number | undefined> {
  const names = [...objects.keys()].filter((name) => name.startsWith('capture-')).sort();
  if (names.length < 3) return undefined;
  const name = names[1 + Math.floor(random() * (names.length - 2))] ?? '';
  const keys = await bucket.keysBelow(prefix);
  await bucket.remove(...keys.filter((key) => key.endsWith(`/${name}`)));
  return Number(/^capture-(\d+)/u.exec(name)?.[1]);
}

/**
 * verify says what happened: verified, cut, or that a segment was removed where manifest.json or the log know of it.
 */
async function checkVerdict(evidence: Evidence, removed: number | undefined, acknowledged: boolean): Promise<string[]> {
  const { verdict, summary, checks } = await verifyCapture(await openStored(evidence), {
    identity: evidence.identity,
    log: (captureId) => readLogDigests(chunks(evidence.log), captureId),
  });
  const committed = evidence.objects.has('manifest.json');
  const logged = linesOf<SegmentLine>(evidence.log, 'segment').length > 0;
  const missed = removed !== undefined && (committed || acknowledged);
  // Of a capture without a line, the log says nothing, or that it is none: that depends on whether its id is readable.
  const expected = missed ? ['failed'] : !logged ? ['failed', 'cut'] : committed ? ['verified'] : ['cut'];
  const findings = checks.flatMap((check) => check.findings).join('; ');
  if (!expected.includes(verdict))
    return [`verify says ${verdict} instead of ${expected.join(' or ')}: ${summary} ${findings}`];
  return missed && !findings.includes(`segment ${removed}`)
    ? [`verify does not name segment ${removed}: ${findings}`]
    : [];
}
