/**
 * The volatile summary goes to the log, once, when the destination has not taken the first segment: CloudWatch keeps
 * what stdout gets. It goes there before anybody's answer is let go, since a sandbox may be frozen or reset behind it.
 */
import type { CaptureRun } from './contracts.ts';
import type { Trouble } from '../contracts/evidence.ts';
import { describeError } from '../errors.ts';
import { logLine } from '../report/log.ts';
import { volatileSummary } from '../report/summary.ts';
import { writeLogEvidence } from '../ship/log.ts';
import type { OutboxOptions } from '../ship/outbox.ts';

/**
 * The first segment waits so long for a destination in trouble before the summary goes to the log. A short one passes
 * unseen.
 */
const LOG_AFTER_MS: Readonly<Record<Trouble, number>> = { unreached: 200, failing: 1000 };
/** An answer waits so long for a destination that nobody can reach. */
const RELEASE_AFTER_MS = 350;

export interface LastResort {
  /** Writes the summary, unless it is written. Never rejects. */
  readonly write: () => Promise<void>;
  readonly onTrouble: NonNullable<OutboxOptions['onTrouble']>;
  /** A segment is stored: its number. */
  readonly stored: (segment: number) => void;
  /** Frees the timers. */
  readonly end: () => void;
}

/** @param release - called once, when nobody should wait for the capture any more; the summary is in the log by then */
export function openLastResort(
  run: CaptureRun,
  { isQuiet }: { readonly isQuiet: boolean },
  release: () => void,
): LastResort {
  const timers = new Set<NodeJS.Timeout>();
  let written: Promise<void> | undefined;
  let isStored = false;
  let isReached = false;
  const write = (): Promise<void> => (written ??= isQuiet ? Promise.resolve() : writeSummary(run));
  const after = (ms: number, then: () => void): void => {
    timers.add(setTimeout(then, ms).unref());
  };
  return {
    write,
    onTrouble: (trouble, { number }) => {
      if (number === 0) after(LOG_AFTER_MS[trouble], () => void (isStored || write()));
      if (trouble !== 'unreached') return;
      after(RELEASE_AFTER_MS, () => {
        if (!isReached) void (isStored ? Promise.resolve() : write()).then(release);
      });
    },
    stored: (segment) => {
      isReached = true;
      isStored ||= segment === 0;
    },
    end: () => {
      for (const timer of timers) clearTimeout(timer);
    },
  };
}

async function writeSummary(run: CaptureRun): Promise<void> {
  const { captureId } = run.context;
  try {
    await writeLogEvidence({ captureId, summary: run.redact(await volatileSummary(run.context)) });
  } catch (cause) {
    logLine('fault', run.redact({ capture: captureId, error: describeError(cause) }));
  }
}
