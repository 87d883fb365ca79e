/** Findings of detectors as rows, the severest first. What they quote was chosen by whoever is in the sandbox. */
import { field, text } from './process-tree.ts';
import { renderText } from './safe-names.ts';

const ORDER = ['critical', 'high', 'medium', 'low', 'info'];
const MAX_EVIDENCE = 4;
const MAX_CELL = 300;

/** @param document - the rows of live_response/findings.jsonl */
export function findingRows(document: unknown): readonly (readonly string[])[] {
  const findings: readonly unknown[] = Array.isArray(document) ? document : [];
  const rank = (finding: unknown): number => (ORDER.indexOf(text(field(finding, 'severity'))) + ORDER.length + 1) % (ORDER.length + 1);
  return findings.toSorted((one, other) => rank(one) - rank(other)).map((finding) => [
    text(field(finding, 'severity')), text(field(field(finding, 'technique'), 'id')) || text(field(finding, 'technique')), text(field(finding, 'detector')),
    [text(field(finding, 'title')), ...evidenceOf(finding)].join('; '),
  ].map((cell) => renderText(cell, MAX_CELL)));
}

function evidenceOf(finding: unknown): readonly string[] {
  const evidence = field(finding, 'evidence');
  return Array.isArray(evidence) ? evidence.slice(0, MAX_EVIDENCE).map((one: unknown) => text(one)).filter((one) => one !== '') : [];
}
