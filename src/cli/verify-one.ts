/** One verification for a command: with a meter, and the log that was named. */
import type { OpenCapture } from '../case/open.ts';
import type { VerifyResult } from '../case/verify.ts';
import { AmberError } from '../errors.ts';
import type { AgeIdentity } from '../seal/age-open.ts';
import type { Output } from './output.ts';

export interface VerifyMeans {
  readonly identity: AgeIdentity | undefined;
  /** `-` is standard input, and good for one capture. */
  readonly logPath: string | undefined;
}

/** @throws AmberError USAGE where several captures would have to read standard input. */
export function demandFile(logPath: string | undefined): void {
  if (logPath === '-') throw new AmberError('USAGE', 'The log is read once for each capture: give --log a file, not standard input.');
}

/**
 * Means for one of several: the log of the function holds no digest of a collection, which a responder made elsewhere. What
 * calls itself one is therefore not held against that log, and its check says so.
 */
export function meansFor({ manifest }: OpenCapture, means: VerifyMeans): VerifyMeans {
  return manifest?.cause.trigger === 'collect' ? { ...means, logPath: undefined } : means;
}

/** @throws AmberError CASE_* where the capture or the log cannot be reached. */
export async function verifyOne(capture: OpenCapture, { identity, logPath }: VerifyMeans, out: Output): Promise<VerifyResult> {
  const { verifyCapture } = await import('../case/verify.ts');
  const { readLogDigests } = await import('../case/log-lines.ts');
  const { readFile } = await import('../case/store.ts');
  const meter = out.meter('verifying');
  try {
    const log = logPath === '-' ? process.stdin : logPath === undefined ? undefined : readFile(logPath);
    return await verifyCapture(capture, {
      identity, onProgress: meter.update,
      ...(log === undefined ? {} : { log: (captureId: string) => readLogDigests(log as AsyncIterable<Uint8Array>, captureId) }),
    });
  } finally {
    meter.end();
  }
}
