/** One verification for a command: with a meter, and the log that was named. */
import type { LogIndex } from '../case/log-lines.ts';
import type { OpenCapture } from '../case/open.ts';
import type { VerifyResult } from '../case/verify.ts';
import { AmberError } from '../errors.ts';
import type { AgeIdentity } from '../seal/age-open.ts';
import type { Output } from './output.ts';

export interface VerifyMeans {
  readonly identity: AgeIdentity | undefined;
  readonly log: LogIndex | undefined;
}

/** @throws AmberError USAGE where several captures would be held against standard input. */
export function demandFile(logPath: string | undefined): void {
  if (logPath === '-') throw new AmberError('USAGE', 'The log of several captures is a file or a folder: give --log FILE, not standard input.');
}

/**
 * The log that --log names, read once: a file in any form, a folder of an export, or `-`. `wanted` are kept whatever else is
 * in it.
 *
 * @throws AmberError CASE_* where it is not there or may not be read.
 */
export async function logOption(path: string | undefined, wanted: Iterable<string>, out: Output): Promise<LogIndex | undefined> {
  if (path === undefined) return undefined;
  const { readLogIndex } = await import('../case/log-lines.ts');
  const { logFiles } = await import('../case/log-source.ts');
  const index = await readLogIndex(logFiles(path), wanted);
  for (const reason of index.notRead) out.note(`${path}: not read: ${reason}`);
  return index;
}

/** @throws AmberError CASE_* where the capture cannot be reached. */
export async function verifyOne(capture: OpenCapture, { identity, log }: VerifyMeans, out: Output): Promise<VerifyResult> {
  const { verifyCapture } = await import('../case/verify.ts');
  const meter = out.meter('verifying');
  try {
    return await verifyCapture(capture, {
      identity, onProgress: meter.update, ...(log === undefined ? {} : { log: () => Promise.resolve(log) }),
    });
  } finally {
    meter.end();
  }
}
