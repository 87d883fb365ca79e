/**
 * Names that this version does not know. In code they are mistakes, seen before anything is deployed. In the
 * environment they may be meant for a newer version: a layer that is rolled back must not disarm every function that
 * has it. So they are left out with a warning, except where a typing error would take protection away.
 */
import { COLLECTOR_NAMES, DETECTOR_NAMES } from './names.ts';

/** One thing that is wrong, in words that tell where and what to write instead. */
export interface ConfigIssue {
  readonly name: string;
  readonly message: string;
}

/** Variables that start with AMBER_ and belong to the layer or to other parts, not to the table of options. */
const OTHER_VARIABLES: ReadonlySet<string> = new Set(['AMBER_HANDLER', 'AMBER_NEXT_EXEC_WRAPPER']);

/** Where a value is lost by a wrong name, more is stored, it is stored elsewhere, in clear, or without a bound. */
const PROTECTIVE = /^AMBER_(?:DISABLED|RECIPIENT|REDACT|COLLECT|DESTINATION|S3_KMS_KEY|S3_BUCKET_OWNER|MAX_.*)$/u;
const MAX_EDITS = 2;

/** Keys of options in code that no table knows. */
export function unknownOptions(options: object, known: readonly string[]): ConfigIssue[] {
  return Object.keys(options)
    .filter((key) => !known.includes(key))
    .map((key) => ({ name: key, message: `option \`${key}\` is unknown${suggestion(key, known)}` }));
}

/** What is wrong with the names of variables: `errors` disarm, `warnings` do not. */
export function unknownVariables(
  env: NodeJS.ProcessEnv,
  known: readonly string[],
): { readonly errors: ConfigIssue[]; readonly warnings: ConfigIssue[] } {
  const unknown = Object.keys(env).filter(
    (key) => key.startsWith('AMBER_') && !known.includes(key) && !OTHER_VARIABLES.has(key),
  );
  const meant = (key: string): string | undefined => known.find((name) => PROTECTIVE.test(name) && isNear(key, name));
  return {
    errors: unknown.flatMap((name) => {
      const near = meant(name);
      return near === undefined ? [] : [{ name, message: `${name} is unknown; did you mean ${near}?` }];
    }),
    warnings: unknown
      .filter((name) => meant(name) === undefined)
      .map((name) => ({ name, message: `${name} is unknown to this version, and left out${suggestion(name, known)}` })),
  };
}

function suggestion(key: string, known: readonly string[]): string {
  const wanted = key.toLowerCase().replaceAll('_', '');
  const near =
    known.find((name) => isNear(key, name)) ??
    known.find((name) => {
      const flat = name.toLowerCase().replaceAll('_', '');
      return flat.startsWith(wanted) || wanted.startsWith(flat) || flat.includes(wanted.replace(/^amber/u, ''));
    });
  return near === undefined ? `; known are ${known.join(', ')}` : `; did you mean ${near}?`;
}

/** At most two characters put in, taken out or replaced (Levenshtein). */
function isNear(one: string, other: string): boolean {
  if (Math.abs(one.length - other.length) > MAX_EDITS) return false;
  let row = Array.from({ length: other.length + 1 }, (_, at) => at);
  for (let at = 1; at <= one.length; at += 1) {
    const above = row;
    row = [at];
    for (let to = 1; to <= other.length; to += 1) {
      const replaced = (above[to - 1] ?? 0) + (one[at - 1] === other[to - 1] ? 0 : 1);
      row.push(Math.min(replaced, (above[to] ?? 0) + 1, (row[to - 1] ?? 0) + 1));
    }
  }
  return (row.at(-1) ?? 0) <= MAX_EDITS;
}

/** `+name` or `-name`, as AMBER_COLLECT and AMBER_DETECT list them. */
const NAME = /^[+-]?([a-z][a-z0-9-]{0,63})$/u;

/**
 * The environment without the collectors and detectors that this version does not know.
 *
 * @param own - names of the collectors that code brings
 */
export function withoutUnknownNames(
  env: NodeJS.ProcessEnv,
  own: readonly string[],
): { readonly env: NodeJS.ProcessEnv; readonly warnings: ConfigIssue[] } {
  const warnings: ConfigIssue[] = [];
  const known: NodeJS.ProcessEnv = {};
  const leaveOut = (variable: string, what: string, isKnown: (item: string, name: string) => boolean): void => {
    const text = env[variable];
    if (text === undefined) return;
    const items = text.split(',');
    const unknown = items.filter((item) => {
      const name = NAME.exec(item.trim())?.[1];
      return name !== undefined && !isKnown(item.trim(), name);
    });
    if (unknown.length === 0) return;
    known[variable] = items.filter((item) => !unknown.includes(item)).join(',');
    warnings.push({
      name: variable,
      message:
        `${variable} names ${what} that this version does not know, and that are left out: ` +
        unknown.map((item) => item.trim()).join(', '),
    });
  };
  leaveOut('AMBER_COLLECT', 'collectors', (_, name) => COLLECTOR_NAMES.includes(name) || own.includes(name));
  // Without a sign it is a level there.
  leaveOut('AMBER_DETECT', 'detectors', (item, name) => !/^[+-]/u.test(item) || DETECTOR_NAMES.includes(name));
  return { env: warnings.length === 0 ? env : { ...env, ...known }, warnings };
}
