/** Findings of detectors as rows, the severest first. What they quote was chosen by code in the sandbox. */
import { field, number, text } from './process-tree.ts';
import { newerSchema } from '../../version.ts';
import { renderText } from './safe-names.ts';
import type { TextSection } from './section.ts';

type Documents = ReadonlyMap<string, unknown>;

const ORDER = ['critical', 'high', 'medium', 'low', 'info'];
const MAX_EVIDENCE = 4;
const MAX_CELL = 300;
const MAX_NOTES = 20;
/**
 * The list, what came when it was written already, and what a process that handed over knew (in older captures there
 * alone).
 */
const LIST = 'live_response/findings.jsonl';
const LATE = 'live_response/findings-late.jsonl';
const HANDED = /^live_response\/function-process(?:-\d)?\.json$/u;

/** Every finding of a capture, once. */
export function findingsIn(documents: Documents): readonly unknown[] {
  const handed = handedIn(documents).flatMap((report) => list(field(report, 'findings')).map(asHanded));
  const seen = new Set<string>();
  return [...list(documents.get(LIST)), ...list(documents.get(LATE)), ...handed].filter((finding) => {
    if (field(finding, 'look') !== undefined || typeof finding !== 'object' || finding === null) return false;
    const key = text(field(finding, 'key'));
    if (key === '') return true;
    const known = seen.has(key);
    seen.add(key);
    return !known;
  });
}

function handedIn(documents: Documents): readonly unknown[] {
  return [...documents].filter(([path]) => HANDED.test(path)).map(([, document]) => field(document, 'findings'));
}

function asHanded(finding: unknown): unknown {
  return typeof finding === 'object' && finding !== null ? { ...finding, handedOver: true } : finding;
}

/** Process that a finding is about; NaN for none. */
export function pidOf(finding: unknown): number {
  return number(field(field(finding, 'subject'), 'pid'));
}

/**
 * Severity, technique, detector, when, and what; with what was not looked at, which a reader must not take for nothing
 * there.
 */
export function findingSection(documents: Documents): TextSection {
  const findings = findingsIn(documents);
  const starts = startsIn(documents);
  const rank = (finding: unknown): number =>
    (ORDER.indexOf(text(field(finding, 'severity'))) + ORDER.length + 1) % (ORDER.length + 1);
  const rows = findings
    .toSorted((one, other) => rank(one) - rank(other))
    .map((finding) =>
      [
        text(field(finding, 'severity')),
        text(field(field(finding, 'technique'), 'id')) || text(field(finding, 'technique')),
        text(field(finding, 'detector')),
        happened(finding, starts),
        [text(field(finding, 'title')), ...evidenceOf(finding)].join('; ') +
          (field(finding, 'handedOver') === true ? ' (as a process of the function says)' : ''),
      ].map((cell) => renderText(cell, MAX_CELL)),
    );
  return {
    title: 'Findings',
    rows,
    count: rows.length,
    notes: notesOf(
      [...list(documents.get(LIST)), ...list(documents.get(LATE))]
        .map((row) => field(row, 'look'))
        .concat(handedIn(documents)),
    ),
  };
}

/** When the thing began. Older captures do not say so: then it is the start of the process. */
function happened(finding: unknown, starts: ReadonlyMap<number, string>): string {
  return shortTime(text(field(field(finding, 'happened'), 'time'))) || (starts.get(pidOf(finding)) ?? '');
}

function startsIn(documents: Documents): ReadonlyMap<number, string> {
  return new Map(
    list(field(documents.get('live_response/processes.json'), 'processes')).map((row) => [
      number(field(row, 'pid')),
      shortTime(text(field(row, 'start'))),
    ]),
  );
}

function shortTime(time: string): string {
  return time.replace('T', ' ').replace(/\.\d+Z$/u, 'Z');
}

/** What the rows about the looks say: limits, and detectors that failed. */
function notesOf(looks: readonly unknown[]): readonly string[] {
  const notes = looks
    .flatMap((look) => {
      const failed = field(look, 'failed');
      return [
        ...list(field(look, 'left')).map(text),
        ...(typeof failed === 'object' && failed !== null
          ? Object.entries(failed).map(([detector, error]) => `the detector ${detector} failed: ${text(error)}`)
          : []),
      ];
    })
    .filter((note) => note !== '');
  const more = notes.length - MAX_NOTES;
  return [
    ...new Set(looks.flatMap((look) => newerSchema('findings', field(look, 'schema')) ?? [])),
    ...notes.slice(0, MAX_NOTES).map((note) => `Not looked at: ${renderText(note, MAX_CELL)}`),
    ...(more > 0 ? [`Not looked at: ${more} more; live_response/findings.jsonl has them`] : []),
  ];
}

function list(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

function evidenceOf(finding: unknown): readonly string[] {
  return list(field(finding, 'evidence'))
    .slice(0, MAX_EVIDENCE)
    .map(text)
    .filter((one) => one !== '');
}
