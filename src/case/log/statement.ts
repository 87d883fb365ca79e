/**
 * What a line says, member by member, as one text to keep and to compare. A capture writes each of its lines once, so
 * two lines that differ in any member are two statements.
 */
import { createHash } from 'node:crypto';
import type { LogRecord } from './scan.ts';

/** Without digests, which are compared on their own, and without what the platform or a forwarder adds. */
const MEMBERS = {
  segment: ['object', 'state', 'bytes', 'code', 'error'],
  capture: [
    'state',
    'completeness',
    'segments',
    'bytes',
    'location',
    'outcomes',
    'elapsedMs',
    'cpuMs',
    'trigger',
    'reason',
    'code',
    'error',
  ],
} as const;

export type StatementKind = keyof typeof MEMBERS;

/** Of a longer member the beginning is kept, with a digest of the whole. */
const MAX_MEMBER = 150;

/** At most 12 lines of 170 characters. */
export function statementOf(kind: StatementKind, record: LogRecord): string {
  return MEMBERS[kind].map((name) => memberText(record[name])).join('\n');
}

/** One member as {@link memberText} gives it; empty where the line does not have it. */
export function saidIn(kind: StatementKind, statement: string, member: string): string {
  return statement.split('\n')[(MEMBERS[kind] as readonly string[]).indexOf(member)] ?? '';
}

/** Every member in which they differ, with what each of them says: `bytes 10 | 12; state stored | lost`. */
export function differencesIn(kind: StatementKind, statements: Iterable<string>): string {
  const all = [...statements].map((statement) => statement.split('\n'));
  const told = MEMBERS[kind].flatMap((name, place) => {
    const values = [...new Set(all.map((lines) => lines[place] ?? ''))];
    return values.length < 2
      ? []
      : `${name} ${values.map((value) => (value === '' ? 'not there' : value)).join(' | ')}`;
  });
  return told.join('; ');
}

/** One line; the members of an object in an order of their own, since a forwarder may sort them. */
export function memberText(value: unknown): string {
  const text =
    value === undefined
      ? ''
      : typeof value === 'string'
        ? JSON.stringify(value).slice(1, -1)
        : typeof value === 'object' && value !== null
          ? countsText(value)
          : JSON.stringify(value);
  if (text.length <= MAX_MEMBER) return text;
  return `${text.slice(0, MAX_MEMBER)}… (${createHash('sha256').update(text).digest('hex').slice(0, 12)})`;
}

function countsText(value: object): string {
  return Object.entries(value)
    .sort(([one], [other]) => (one < other ? -1 : 1))
    .map(([name, count]) => `${JSON.stringify(count)} ${JSON.stringify(name).slice(1, -1)}`)
    .join(', ');
}
