/**
 * Findings that a process of the function hands over: read as what anybody with its uid may have sent, and marked so.
 */
import type { Finding, FindingsReport, Happened, Kind, Severity, Subject } from '../../contracts/evidence.ts';
import { defined } from '../../defined.ts';
import { many } from '../../many.ts';

/** Findings of one sender: as many as one look of our own gives. */
const MAX = 200;
const MAX_TEXT = 300;
/** A path may have 4,096 bytes, as text three times as many. */
const MAX_NAME = 16 * 1024;
const MAX_EVIDENCE = 8;
const SEVERITIES: readonly Severity[] = ['low', 'medium', 'high', 'critical'];
const KINDS: readonly Kind[] = ['staged', 'disguise', 'execution', 'hijack', 'channel', 'access', 'impact'];

type Json = Readonly<Record<string, unknown>>;

export interface HandedFindings {
  readonly kept: readonly Finding[];
  /** Rows that are no findings, or are too many: they stand in function-process.json alone. */
  readonly left: number;
}

/** Reads the `findings` of function-process.json. */
export function readHanded(report: unknown): HandedFindings {
  const rows = listOf(objectOf(report)['findings']);
  const kept = rows
    .slice(0, MAX)
    .map(findingOf)
    .filter((one) => one !== undefined);
  return { kept, left: rows.length - kept.length };
}

/**
 * One list: ours, and behind it what was handed over and is not known. Of one key ours stands, which nobody has forged.
 */
export function mergeHanded(report: FindingsReport, { kept, left }: HandedFindings): FindingsReport {
  return {
    ...report,
    findings: unknownIn([...report.findings, ...kept], new Set()),
    left:
      left === 0
        ? report.left
        : [
            ...report.left,
            `${many(left, 'finding')} that a process handed over ${left === 1 ? 'was' : 'were'} not taken: ` +
              'see live_response/function-process.json',
          ],
  };
}

/** Those of a key that is not in `known`, each once. */
export function unknownIn(findings: readonly Finding[], known: ReadonlySet<string>): readonly Finding[] {
  const seen = new Set(known);
  return findings.filter(({ key }) => {
    const isNew = !seen.has(key);
    seen.add(key);
    return isNew;
  });
}

function findingOf(value: unknown): Finding | undefined {
  const row = objectOf(value);
  const technique = objectOf(row['technique']);
  const { detector, title, key } = row;
  const severity = SEVERITIES.find((one) => one === row['severity']);
  const kind = KINDS.find((one) => one === row['kind']);
  const id = textOf(technique['id'], MAX_TEXT);
  if (
    !isName(detector) ||
    severity === undefined ||
    kind === undefined ||
    typeof title !== 'string' ||
    !/^T\d{4}(?:\.\d{3})?$/u.test(id)
  )
    return undefined;
  if (typeof key !== 'string' || key === '' || key.length > MAX_NAME) return undefined;
  const happened = happenedOf(objectOf(row['happened']));
  const raisedBy = listOf(row['raisedBy']).slice(0, MAX_EVIDENCE).filter(isName);
  return {
    detector,
    severity,
    kind,
    key,
    title: title.slice(0, MAX_TEXT),
    technique: { id, name: textOf(technique['name'], MAX_TEXT) },
    attackVersion: '19',
    subject: subjectOf(objectOf(row['subject'])),
    evidence: textsOf(row['evidence']),
    benign: textsOf(row['benign']),
    ...(raisedBy.length === 0 ? {} : { raisedBy }),
    ...defined({ happened }),
    handedOver: true,
  };
}

function subjectOf({ pid, startTicks, path, name, address }: Json): Subject {
  return {
    ...(isCount(pid) ? { pid } : {}),
    ...(isCount(startTicks) ? { startTicks } : {}),
    ...(isShort(path) ? { path } : {}),
    ...(isShort(name) ? { name } : {}),
    ...(isShort(address) ? { address } : {}),
  };
}

function happenedOf({ time, of }: Json): Happened | undefined {
  const ms =
    typeof time === 'string' && /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?Z$/u.test(time)
      ? Date.parse(time)
      : Number.NaN;
  return Number.isNaN(ms) || (of !== 'process' && of !== 'file') ? undefined : { time: new Date(ms).toISOString(), of };
}

function isName(value: unknown): value is string {
  return typeof value === 'string' && /^[a-z][a-z-]{0,63}$/u.test(value);
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && Number(value) >= 0;
}

function isShort(value: unknown): value is string {
  return typeof value === 'string' && value.length <= MAX_NAME;
}

function textsOf(value: unknown): readonly string[] {
  return listOf(value)
    .slice(0, MAX_EVIDENCE)
    .map((one) => textOf(one, MAX_TEXT))
    .filter((one) => one !== '');
}

function textOf(value: unknown, most: number): string {
  return typeof value === 'string' ? value.slice(0, most) : '';
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

function objectOf(value: unknown): Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Json) : {};
}
