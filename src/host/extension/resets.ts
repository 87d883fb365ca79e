/**
 * How often this sandbox was captured after a crash, remembered across resets: the extension ends with each, and a
 * function that crashes at every invocation would be captured without end.
 *
 * The only memory that outlives a reset is /tmp (AWS, "Lambda execution environment lifecycle"), where an intruder can
 * write too, and no key is out of his reach. So what stands there is read when the extension starts, before the runtime
 * does (RIE internal/lambda/rapid/handlers.go, doRuntimeDomainInit), and what is written later counts for later lives
 * alone. The first crash of a sandbox is captured whatever he writes. What he has forged is moved aside, said in the
 * log, and part of that capture like any file. The record holds back nothing for which a finding or an order is open,
 * and for all else no longer than {@link PAUSE_MS}.
 */
import {
  closeSync,
  constants,
  fstatSync,
  lstatSync,
  openSync,
  readFileSync,
  readSync,
  renameSync,
  unlinkSync,
  writeSync,
  type BigIntStats,
} from 'node:fs';
import { describeError } from '../../errors.ts';

/** What the policy asks for after a crash is captured as often as AMBER_MAX_CAPTURES says in this time. */
const HOUR_MS = 3_600_000;
/** Between two captures beyond that: the inventory alone. */
export const PAUSE_MS = 600_000;
const MAX_BYTES = 32 * 1024;
/** The largest AMBER_MAX_CAPTURES. */
const MAX_TIMES = 1000;
/**
 * The same in all lives of a sandbox, another one in each sandbox (random(4)): a record from elsewhere says nothing.
 */
const BOOT_ID = '/proc/sys/kernel/random/boot_id';

export interface Resets {
  /** Captures after a crash within the last hour of which a record was found when the extension started. */
  readonly captured: (nowMs: number) => number;
  /** What may be captured after a crash now: as the policy says, the inventory, or nothing. */
  readonly allowed: (most: number, nowMs: number) => 'all' | 'inventory' | 'nothing';
  /** Notes a capture that begins, for the lives to come. Never throws. */
  readonly note: (nowMs: number) => void;
}

/** @param tmp - folder that outlives a reset, where the record lies as `.amber-resets` */
export function openResets(
  tmp: string,
  log: (record: Readonly<Record<string, unknown>>) => unknown,
  nowMs: number = Date.now(),
): Resets {
  const path = `${tmp}/.amber-resets`;
  const boot = bootId();
  const found = standing(path);
  const times = readTimes(path, boot).filter((time) => time <= nowMs);
  const recent = (now: number): number[] => times.filter((time) => now - time < HOUR_MS);
  return {
    captured: (now) => recent(now).length,
    allowed: (most, now) => {
      if (recent(now).length < most) return 'all';
      return now - (times.at(-1) ?? -PAUSE_MS) < PAUSE_MS ? 'nothing' : 'inventory';
    },
    note: (now) => {
      try {
        if (isChanged(found, standing(path))) {
          renameSync(path, `${path}.foreign`);
          log({
            where: 'resets',
            error:
              'the record of captures after crashes was written by somebody else in this life of the sandbox; it ' +
              'is kept as .amber-resets.foreign',
          });
        }
        write(path, JSON.stringify({ boot, captured: [...recent(now), now].slice(-MAX_TIMES) }));
      } catch (error) {
        log({ where: 'resets', error: describeError(error) });
      }
    },
  };
}

/** What stands there, a link unfollowed. */
function standing(path: string): BigIntStats | undefined {
  return lstatSync(path, { bigint: true, throwIfNoEntry: false });
}

/** The time of the last change of an inode is the kernel's alone to set (inode(7)). */
function isChanged(found: BigIntStats | undefined, now: BigIntStats | undefined): boolean {
  return now !== undefined && (found?.ino !== now.ino || found.ctimeNs !== now.ctimeNs);
}

function bootId(): string {
  try {
    return readFileSync(BOOT_ID, 'latin1').trim();
  } catch {
    return '';
  }
}

/**
 * In ascending order; none where the file is missing, no plain file of ours alone, too large, of another sandbox, or
 * none of ours.
 */
function readTimes(path: string, boot: string): number[] {
  let fd = -1;
  try {
    fd = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    const stat = fstatSync(fd);
    if (!stat.isFile() || stat.nlink !== 1 || stat.size > MAX_BYTES) return [];
    const bytes = Buffer.alloc(stat.size);
    const record = JSON.parse(bytes.toString('latin1', 0, readSync(fd, bytes, 0, stat.size, 0))) as {
      boot?: unknown;
      captured?: unknown;
    } | null;
    if (record?.boot !== boot || !Array.isArray(record.captured)) return [];
    return record.captured
      .filter((time): time is number => Number.isSafeInteger(time) && Number(time) > 0)
      .slice(-MAX_TIMES)
      .sort((one, other) => one - other);
  } catch {
    return [];
  } finally {
    if (fd >= 0) closeSync(fd);
  }
}

/** A new file in the place of the old one: whatever lies there is neither followed nor written to. */
function write(path: string, text: string): void {
  const fresh = `${path}.${String(process.pid)}`;
  const fd = openSync(fresh, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW, 0o600);
  try {
    writeSync(fd, text);
    renameSync(fresh, path);
  } catch (error) {
    unlinkSync(fresh);
    throw error;
  } finally {
    closeSync(fd);
  }
}
