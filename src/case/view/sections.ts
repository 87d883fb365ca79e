/**
 * What a reader is told of one capture, in sections: for the terminal (`amber show`) and for a page (`amber report`).
 */
import { newerSchema } from '../../version.ts';
import type { ManifestItem } from '../../contracts/evidence.ts';
import type { CaptureManifest } from '../../seal/commit.ts';
import { collectionSections } from '../store/collection.ts';
import { itemPath } from '../verify/compare.ts';
import { completenessProblem, completenessText, type ItemShortfalls } from '../store/completeness.ts';
import { findingSection } from './finding-rows.ts';
import type { OpenCapture } from '../store/open.ts';
import { sizesText } from '../store/run.ts';
import { recordedSection } from './recorded-rows.ts';
import { field, processLines, socketRows, text } from './process-tree.ts';
import { renderPath, renderText } from './safe-names.ts';
import { size } from './size.ts';
import type { CaptureView, Listing } from './view.ts';
import type { TextSection } from './section.ts';
import { many } from '../../many.ts';

const MAX_CELL = 200;
const MAX_REDACTIONS = 8;

/** Who, when, why: a name and a value a row. */
export function headRows(capture: OpenCapture, view: CaptureView): readonly (readonly [string, string])[] {
  const { manifest } = capture;
  const header = view.documents.get('capture.json');
  const identity: unknown = manifest?.identity ?? field(header, 'identity');
  const cause: unknown = manifest?.cause ?? field(header, 'cause');
  const invocation = field(view.documents.get('live_response/invocation.json'), 'invocation');
  const rows: readonly (readonly [string, string])[] = [
    ['capture', text(manifest?.captureId ?? field(header, 'captureId'))],
    ['location', capture.location],
    ['state', stateOf(capture, view)],
    ['evidence', evidenceOf(capture, view)],
    [
      'started',
      `${text(manifest?.clocks.started ?? field(header, 'started'))}${manifest === undefined ? '' : tookOf(manifest)}`,
    ],
    ['ended early', text(manifest?.endedEarly)],
    ['manifest', newerSchema('manifest', manifest?.schema) ?? ''],
    ['cause', `${text(field(cause, 'trigger'))}: ${text(field(cause, 'reason'))}`],
    ['requester', text(field(cause, 'requester'))],
    ['order', orderOf(field(cause, 'order'))],
    [
      'function',
      ['functionName', 'functionVersion', 'region', 'account'].map((name) => text(field(identity, name))).join('  '),
    ],
    ['log stream', `${text(field(identity, 'logGroup'))} ${text(field(identity, 'logStream'))}`],
    ['access key', text(field(identity, 'accessKeyId'))],
    [
      'request',
      text(field(invocation, 'requestId')) +
        (field(invocation, 'coldStart') === true ? ', the first of this sandbox' : ''),
    ],
    [
      'items',
      `${view.items}: ${Object.entries(view.outcomes)
        .map(([outcome, count]) => `${count} ${outcome}`)
        .join(', ')}`,
    ],
    ['redactions', `${view.redactions} in ${many(view.redacted.count, 'item')}`],
  ];
  return rows.filter(([, value]) => value.trim() !== '').map(([name, value]) => [name, renderText(value)] as const);
}

/** Why the word of manifest.json on its evidence is false. */
export function falseEvidence(capture: OpenCapture, view: CaptureView): string | undefined {
  const { manifest } = capture;
  return manifest === undefined ? undefined : completenessProblem(manifest, countedIn(view, capture));
}

function countedIn({ allRead, items, shortfalls }: CaptureView, { alone }: OpenCapture): ItemShortfalls | undefined {
  return allRead && items > 0 && !alone ? shortfalls : undefined;
}

/** As the items say, where all of them were read; and where manifest.json says something else. */
function evidenceOf(capture: OpenCapture, view: CaptureView): string {
  const { manifest } = capture;
  if (manifest === undefined) return '';
  const counted = countedIn(view, capture);
  const problem = falseEvidence(capture, view);
  if (counted === undefined && problem === undefined)
    return `not checked (manifest.json says ${completenessText(manifest)})`;
  return `${completenessText(manifest, counted)}${problem === undefined ? '' : `; FALSE: ${problem}`}`;
}

/** What the capture took, as far as manifest.json says it. */
function tookOf({ clocks, cost }: CaptureManifest): string {
  const [elapsed, cpu] = [field(clocks, 'elapsedMs'), field(cost, 'cpuMs')].map((ms) =>
    typeof ms === 'number' && ms >= 0 ? `${ms} ms` : undefined,
  );
  return `${elapsed === undefined ? '' : `, took ${elapsed}`}${cpu === undefined ? '' : `, ${cpu} of CPU`}`;
}

/** The order of a responder behind the capture: which, where it was read, and whether it was signed. */
function orderOf(order: unknown): string {
  const id = text(field(order, 'id'));
  if (id === '') return '';
  const key = text(field(order, 'signedBy'));
  return (
    `${id} from ${text(field(order, 'channel'))}, ` + (key === '' ? 'not signed' : `signed by key ${key.slice(0, 16)}…`)
  );
}

/** As `amber captures` calls it: sizes that are not those of manifest.json come before the word in it. */
function stateOf(capture: OpenCapture, view: CaptureView): string {
  const { manifest, manifestProblem, parts, missing, alone } = capture;
  const isOther = sizesText(capture) !== undefined;
  const bytes = parts.reduce((sum, part) => sum + part.bytes, 0);
  const sealed = parts.some((part) => part.sealed) ? ', sealed in age files' : '';
  const marker = manifestProblem === undefined ? 'no manifest.json' : 'manifest.json is not usable';
  const word =
    (isOther ? 'not as committed' : manifest?.state === 'whole' && missing.length > 0 ? 'not all there' : undefined) ??
    manifest?.state ??
    (view.allRead || manifestProblem !== undefined ? marker : `cut, ${marker}`);
  if (alone) return `one segment alone, ${size(bytes)}${sealed}: \`amber verify\` of the folder judges all of them`;
  const count = many(parts.length + missing.length, 'segment');
  const all = missing.length === 0 ? count : `${parts.length} of ${count}`;
  return `${word}, ${size(bytes)} in ${all}${sealed}`;
}

/** As `amber verify` calls them. */
const SHORT = 'The evidence is not complete: shortfalls';
const APART = 'Not collected, and no shortfall: by design, or gone before it could be read';

/** The sections that have something to say, in the order of a reader's questions. */
export function bodySections(view: CaptureView): readonly TextSection[] {
  const { documents } = view;
  const sockets = socketRows(documents.get('live_response/sockets.json')).map(
    ({ protocol, state, local, remote, owners }) => [protocol, state, local, remote, owners],
  );
  const processes = [...processLines(documents.get('live_response/processes.json'))].map((line) => [line]);
  const sections: readonly TextSection[] = [
    { title: 'Left out of this view: read it in the tarball', rows: [], count: 0, notes: view.leftOut },
    findingSection(documents),
    recordedSection(documents),
    counted('Processes', processes),
    counted('Sockets', sockets),
    listed('Recovered: deleted executables, deleted files that were open, memfds', view.recovered, recoveredRow),
    listed('/tmp and /dev/shm, in order of value', view.files, fileRow),
    ...collectionSections(documents).map(({ title, rows }) =>
      counted(
        title,
        rows.map((row) => row.map((cell) => renderText(cell, MAX_CELL))),
      ),
    ),
    listed(SHORT, view.short, outcomeRow),
    listed(APART, view.apart, outcomeRow),
    listed('Redacted', view.redacted, (item) => [`${shown(item)}: ${redactionsOf(item)}`]),
  ];
  return sections.filter(({ count, notes = [] }) => count + notes.length > 0);
}

function counted(title: string, rows: readonly (readonly string[])[]): TextSection {
  return { title, rows, count: rows.length };
}

function listed(
  title: string,
  listing: Listing<ManifestItem>,
  row: (item: ManifestItem) => readonly string[],
): TextSection {
  return { title, rows: listing.first.map(row), count: listing.count };
}

function shown(item: ManifestItem): string {
  return renderPath(itemPath(item));
}

function outcomeRow(item: ManifestItem): readonly string[] {
  return [renderText(item.outcome), `${shown(item)}: ${renderText(item.reason ?? '')}`];
}

function recoveredRow(item: ManifestItem): readonly string[] {
  const reason = item.reason === undefined ? '' : `  (${renderText(item.reason)})`;
  return [
    shown(item),
    renderText(item.outcome),
    many(item.stored ?? item.size ?? 0, 'byte'),
    renderText(item.sha256 ?? ''),
    `${renderText(text(item.notes?.['link']))}${reason}`,
  ];
}

function fileRow(item: ManifestItem): readonly string[] {
  const facts = [
    item.mode ?? '',
    String(item.size ?? 0).padStart(10),
    isoTime(item.mtime),
    (item.sha256 ?? '').slice(0, 16),
  ];
  return [...facts.map((fact) => renderText(fact)), shown(item).replace(/^\[root\]/u, '')];
}

function redactionsOf({ redactions = [] }: ManifestItem): string {
  return `${redactions
    .slice(0, MAX_REDACTIONS)
    .map((name) => renderText(name))
    .join(', ')}${redactions.length > MAX_REDACTIONS ? ', …' : ''}`;
}

/** Decimal seconds as a date, where they are one. */
function isoTime(seconds: string | undefined): string {
  const ms = Number(seconds) * 1000;
  return Math.abs(ms) < 8.64e15
    ? new Date(ms)
        .toISOString()
        .replace('T', ' ')
        .replace(/\.\d+Z$/u, 'Z')
    : (seconds ?? '');
}
