/** Runs verify on a capture of a test. */
import { cpSync } from 'node:fs';
import { join } from 'node:path';
import { readLogDigests } from '../../src/case/log/lines.ts';
import { openLocal } from '../../src/case/store/open.ts';
import { verifyCapture, type VerifyOptions, type VerifyResult } from '../../src/case/verify/verify.ts';
import { freshFolder, type MadeCapture } from './captures.ts';
import { one } from './forge.ts';

export async function verify(path: string, options: VerifyOptions = {}): Promise<VerifyResult> {
  return verifyCapture(await openLocal(path), options);
}

export function withLog(log: string): VerifyOptions {
  return { log: (captureId) => readLogDigests(one(Buffer.from(log)), captureId) };
}

export function failedChecks(result: VerifyResult): string[] {
  return result.checks.filter(({ state }) => state === 'failed').map(({ name }) => name);
}

export function findings(result: VerifyResult): string {
  return result.checks.flatMap((check) => check.findings).join('\n');
}

export function copyOf(capture: MadeCapture): string {
  const folder = join(freshFolder(), 'capture');
  cpSync(capture.folder, folder, { recursive: true });
  return folder;
}

/** An age identity; {@link openIdentity} gives its recipient. */
export const IDENTITY = 'AGE-SECRET-KEY-1GFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPQ4EGAEX';
