/** The verdict on a capture, and its one sentence. */
import type { CaptureManifest } from '../../seal/commit.ts';
import { completenessText, type ItemShortfalls } from '../store/completeness.ts';
import type { LogDigests } from '../log/lines.ts';
import type { OpenCapture } from '../store/open.ts';
import type { CheckList } from './checks.ts';
import type { TarCheck } from './tar-check.ts';
import { many } from '../../many.ts';

/** `unreadable`: what was read holds, and the rest could not be read. */
export type Verdict = 'verified' | 'failed' | 'cut' | 'unreadable';

export function isWhole({ manifest, alone }: OpenCapture): boolean {
  return manifest?.state === 'whole' && !alone;
}

interface Found {
  readonly tar: TarCheck;
  readonly log: LogDigests | undefined;
  readonly unread: string | undefined;
  readonly logState: LogState;
}

/** What a log that was given says of the capture. */
export type LogState = 'none' | 'read' | 'not-read' | 'no-line';

/** What a log that says nothing would have said is not part of what was checked. */
const SILENT: Readonly<Partial<Record<LogState, string>>> = {
  'not-read': 'not verified against the log, which could not be read; else ',
  'no-line': 'not verified against the log, which has no line of this capture; else ',
};

/** Nothing was counted where the segments are age files and nobody gave an identity. */
export function countedIn({ contents: { totals }, incomplete }: TarCheck): ItemShortfalls | undefined {
  return totals.items > 0 && !incomplete ? totals.shortfalls : undefined;
}

/** What nobody has counted is what manifest.json says, and an intruder may have written that. */
function evidenceText(manifest: CaptureManifest, counted: ItemShortfalls | undefined): string {
  const told = completenessText(manifest, counted);
  return counted === undefined ? `not checked (manifest.json says ${told})` : told;
}

/** Failed checks of which the summary tells the first finding. */
const MAX_TOLD = 4;

export function verdictOf(
  capture: OpenCapture,
  checks: CheckList,
  { tar, log, unread, logState }: Found,
): { verdict: Verdict; summary: string } {
  if (checks.anyFailed) {
    const failed = checks.all().filter(({ state }) => state === 'failed');
    const told = failed
      .slice(0, MAX_TOLD)
      .map(({ what, detail, count }) => `${what}: ${detail}${count > 1 ? ` (and ${count - 1} more)` : ''}`);
    return {
      verdict: 'failed',
      summary: `FAILED: ${[...told, ...failed.slice(MAX_TOLD).map(({ what }) => what)].join('; ')}`,
    };
  }
  const { manifest, missing } = capture;
  if (unread !== undefined) return { verdict: 'unreadable', summary: `not verified: ${unread}; what was read holds` };
  if (isWhole(capture)) {
    const open = checks.all().filter(({ state }) => state === 'not-checked').length;
    const unmade = open === 0 ? '' : `; ${many(open, 'check')} could not be made`;
    const evidence = manifest === undefined ? '' : `; evidence ${evidenceText(manifest, countedIn(tar))}`;
    const silent = SILENT[logState] ?? '';
    return { verdict: 'verified', summary: `${silent}verified: everything that was checked holds${unmade}${evidence}` };
  }
  const last = tar.contents.parts.at(-1);
  const reached =
    last === undefined
      ? 'no manifest part was read'
      : capture.alone && capture.parts[0]?.number !== 0
        ? `what segment ${last.segment} holds is as its manifest part says`
        : `verified up to segment ${last.segment} (byte ${last.end} of the tar stream)`;
  const gap =
    missing.length === 0
      ? ''
      : `; ${many(missing.length, 'segment is', 'segments are')} not there, the first is ${missing[0] ?? 0}`;
  if (capture.alone)
    return { verdict: 'cut', summary: `one segment alone: ${reached}; verify the folder for all of them` };
  const uncommitted = log === undefined ? 'it was never committed, or it was removed' : 'nor does the log tell of one';
  const why =
    manifest === undefined
      ? `there is no manifest.json: ${uncommitted}`
      : missing.length === 0
        ? 'manifest.json says that segments were lost, and they were stored after it'
        : 'manifest.json says that segments were lost';
  return { verdict: 'cut', summary: `cut: ${why}; ${reached}${gap}. \`amber salvage\` reads what is there` };
}
