/**
 * AMBER_DETECT: what counts as an anomaly, in one text.
 *
 *     LEVEL , -NAME , +NAME , allow:KIND=VALUE        in any order, separated by commas
 *
 *     high                                            findings of high and critical start a capture (the default)
 *     medium,-survivor,allow:exe=/tmp/chromium*       medium ones as well; one detector off; one program known
 *     off,+stdio-socket,+miner                        these two detectors and no other
 */
import { DETECTOR_NAMES } from './names.ts';
import type { AllowRule, DetectPolicy, Severity } from '../contracts/detect.ts';

const LEVELS = ['low', 'medium', 'high', 'critical', 'off'] as const;

/** What an `allow:` rule can name. */
export const ALLOW_KINDS: readonly AllowRule['kind'][] = ['exe', 'file', 'to', 'variable', 'extension', 'resolver'];

/** True if `severity` is `least` or more; `off` is reached by none. */
export function reaches(severity: Severity, least: Severity | 'off'): boolean {
  return least !== 'off' && LEVELS.indexOf(severity) >= LEVELS.indexOf(least);
}

interface Draft {
  level: (typeof LEVELS)[number] | undefined;
  readonly without: string[];
  readonly only: string[];
  readonly allow: AllowRule[];
}

/**
 * Takes a policy apart.
 *
 * @returns the policy, or what was expected instead, as the parsers of options do.
 */
export function readPolicy(text: string): DetectPolicy | string {
  const draft: Draft = { level: undefined, without: [], only: [], allow: [] };
  for (const item of text.split(',').map((part) => part.trim())) {
    const problem = take(draft, item);
    if (problem !== undefined) return problem;
  }
  const level = draft.level ?? 'high';
  // `off` with names is a short list of detectors, and those are meant to start captures.
  const threshold = level === 'off' && draft.only.length > 0 ? 'high' : level;
  return {
    threshold,
    without: draft.without.filter((name) => !draft.only.includes(name)),
    only: level === 'off' && draft.only.length > 0 ? draft.only : undefined,
    allow: draft.allow,
  };
}

function take(draft: Draft, item: string): string | undefined {
  const level = LEVELS.find((word) => word === item.toLowerCase());
  if (level !== undefined) {
    if (draft.level !== undefined) return `one level (${LEVELS.join(', ')}), not two`;
    draft.level = level;
    return undefined;
  }
  if (item.startsWith('allow:')) return takeRule(draft, item.slice('allow:'.length));
  const name = item.slice(1);
  const list = item.startsWith('-') ? draft.without : item.startsWith('+') ? draft.only : undefined;
  if (list === undefined)
    return `a level (${LEVELS.join(', ')}), -NAME, +NAME or allow:KIND=VALUE, separated by commas`;
  if (!DETECTOR_NAMES.includes(name)) return `names of detectors behind + and - (${DETECTOR_NAMES.join(', ')})`;
  list.push(name);
  return undefined;
}

function takeRule(draft: Draft, text: string): string | undefined {
  const equals = text.indexOf('=');
  const kind = ALLOW_KINDS.find((one) => one === text.slice(0, Math.max(equals, 0)));
  const value = text.slice(equals + 1);
  if (kind === undefined || value === '') return `allow:KIND=VALUE with one of ${ALLOW_KINDS.join(', ')} for KIND`;
  if (/^\*+$/u.test(value)) return 'a VALUE that does not allow everything (turn the detector off with -NAME)';
  if ((kind === 'exe' || kind === 'file') && !value.startsWith('/'))
    return `an absolute path in allow:${kind}=PATH; it may end in *`;
  draft.allow.push({ kind, value });
  return undefined;
}

/** The policy of an option that the parser has passed. */
export function policyOf(text: string): DetectPolicy {
  const policy = readPolicy(text);
  return typeof policy === 'string' ? { threshold: 'high', without: [], only: undefined, allow: [] } : policy;
}
