/** Log lines of a host, and errors in them. */
import { defined } from '../defined.ts';
import { isAmberError, type AmberErrorCode } from '../errors.ts';
import type { LogStream } from '../report/log.ts';

export type Log = (stream: LogStream, record: Readonly<Record<string, unknown>>) => unknown;

/**
 * An error as fields of a log line. The message of an error that is not ours may hold a secret, so of such only the
 * name and the place are given.
 */
export function errorFields(error: unknown): Readonly<Record<string, string>> {
  if (isAmberError(error)) return { code: error.code, error: error.message };
  if (!(error instanceof Error)) return { error: typeof error };
  const place = /\n\s+at ([^\n]*)/u.exec(error.stack ?? '')?.[1];
  return { code: 'BUG' satisfies AmberErrorCode, error: error.name, ...defined({ place }) };
}
