/**
 * What the platform wants of a line. With log format JSON and an application log level it drops every line below that
 * level. A line without a valid `level` and `timestamp` counts as INFO (AWS, "Log-level filtering").
 */

import { SCHEMAS } from '../version.ts';

/** Levels of AWS, least first. */
const LEVELS: readonly string[] = ['TRACE', 'DEBUG', 'INFO', 'WARN', 'ERROR', 'FATAL'];
/** Nobody who alarms on errors is called by a digest. */
const ORDINARY = 'INFO';

/** The first members of each line, behind its kind. */
export interface Envelope {
  readonly level: string;
  /** RFC 3339. */
  readonly timestamp: string;
  /** Version of the lines, see {@link SCHEMAS}. */
  readonly schema: number;
}

/**
 * The least level that passes, and INFO where nothing filters above that. A function whose logs are text has no filter.
 */
export function leastLevel(env: Readonly<Record<string, string | undefined>>): string {
  if (env['AWS_LAMBDA_LOG_FORMAT']?.toUpperCase() !== 'JSON') return ORDINARY;
  const asked = env['AWS_LAMBDA_LOG_LEVEL']?.toUpperCase() ?? '';
  return LEVELS.indexOf(asked) > LEVELS.indexOf(ORDINARY) ? asked : ORDINARY;
}

/** The platform sets both variables before the process starts: a later change of them changes no line. */
const LEVEL = leastLevel(process.env);

export function envelope(): Envelope {
  return { level: LEVEL, timestamp: new Date().toISOString(), schema: SCHEMAS.log };
}
