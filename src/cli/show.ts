/** `amber show`: one capture for a reader. */
import type { ManifestItem } from '../contracts.ts';
import { collectionSections } from '../case/collection.ts';
import type { OpenCapture } from '../case/open.ts';
import { field, processLines, socketRows, text } from '../case/process-tree.ts';
import { itemPath } from '../case/compare.ts';
import { renderPath, renderText } from '../case/safe-names.ts';
import type { CaptureView, Listing } from '../case/view.ts';
import { identityOption, IDENTITY_OPTION, onePositional, S3_OPTIONS, s3Options, textOption, type Command } from './command.ts';
import { size, table, type Output } from './output.ts';

export const show: Command = {
  name: 'show',
  summary: 'Shows one capture: cause, identity, processes, sockets, recovered files, /tmp, exceptions.',
  usage: 'LOCATION [--identity FILE] [--lines N]',
  details: `
Reads the capture once and writes nothing. It shows what the capture says; whether that is what was captured is for
\`amber verify\` to say. Names are shown with their control and invisible characters escaped.

  amber show .amber/demo/evidence
  amber show s3://evidence-bucket/amber/…/capture=0197…/ --identity key.txt`,
  options: {
    lines: { type: 'string', short: 'n', value: 'N', description: 'Most lines of each list; default 40.' },
    ...IDENTITY_OPTION,
    ...S3_OPTIONS,
  },
  run: async (invocation) => {
    const { values, out } = invocation;
    const location = onePositional(invocation, 'LOCATION');
    const most = Math.max(1, Number.parseInt(textOption(values, 'lines') ?? '40', 10) || 40);
    const identity = await identityOption(values);
    const { openPlace, openOnly } = await import('../case/locate.ts');
    const { viewCapture } = await import('../case/view.ts');
    const place = await openPlace(location, s3Options(values));
    const meter = out.meter('reading');
    try {
      const capture = await openOnly(place);
      const view = await viewCapture(capture, identity, meter.update);
      meter.end();
      out.json({ location: capture.location, manifest: capture.manifest, ...view, documents: Object.fromEntries(view.documents) });
      tellHead(capture, view, out);
      tellBody(view, out, most);
      return view.problem === undefined ? 0 : 1;
    } finally {
      meter.end();
      place.close();
    }
  },
};

function tellHead(capture: OpenCapture, view: CaptureView, out: Output): void {
  const { manifest } = capture;
  const header = view.documents.get('capture.json');
  const identity: unknown = manifest?.identity ?? field(header, 'identity');
  const invocation = field(view.documents.get('live_response/invocation.json'), 'invocation');
  const rows: [string, string][] = [
    ['capture', text(manifest?.captureId ?? field(header, 'captureId'))],
    ['location', capture.location],
    ['state', stateOf(capture, view)],
    ['started', `${text(manifest?.clocks.started ?? field(header, 'started'))}${manifest === undefined ? '' : `, took ${manifest.clocks.elapsedMs} ms and ${manifest.cost.cpuMs} ms of CPU`}`],
    ['cause', `${text(field(manifest?.cause ?? field(header, 'cause'), 'trigger'))}: ${text(field(manifest?.cause ?? field(header, 'cause'), 'reason'))}`],
    ['function', ['functionName', 'functionVersion', 'region', 'account'].map((name) => text(field(identity, name))).join('  ')],
    ['log stream', `${text(field(identity, 'logGroup'))} ${text(field(identity, 'logStream'))}`],
    ['access key', text(field(identity, 'accessKeyId'))],
    ['request', `${text(field(invocation, 'requestId'))}${field(invocation, 'coldStart') === true ? ', the first of this sandbox' : ''}`],
    ['items', `${view.items}: ${Object.entries(view.outcomes).map(([outcome, count]) => `${count} ${outcome}`).join(', ')}`],
    ['redactions', `${view.redactions} in ${view.redacted.count} items`],
  ];
  for (const line of table(rows.filter(([, value]) => value.trim() !== '').map(([name, value]) => [name, renderText(value)]))) out.line(line);
  if (view.problem !== undefined) out.note(`PROBLEM: ${view.problem}`);
}

function stateOf({ manifest, parts }: OpenCapture, view: CaptureView): string {
  const bytes = parts.reduce((sum, part) => sum + part.bytes, 0);
  const sealed = parts.some((part) => part.sealed) ? ', sealed in age files' : '';
  const word = manifest?.state ?? (view.problem === undefined ? 'no manifest.json' : 'cut, no manifest.json');
  return `${word}, ${size(bytes)} in ${parts.length} segments${sealed}`;
}

function tellBody(view: CaptureView, out: Output, most: number): void {
  section(out, 'Processes', [...processLines(view.documents.get('live_response/processes.json'))], most);
  const sockets = socketRows(view.documents.get('live_response/sockets.json'));
  section(out, 'Sockets', table(sockets.map(({ protocol, state, local, remote, owners }) => [protocol, state, local, remote, owners])), most);
  section(out, 'Recovered: deleted executables, deleted files that were open, memfds', lines(view.recovered, recoveredLine), most, view.recovered.count);
  section(out, '/tmp and /dev/shm, in order of value', lines(view.files, fileLine), most, view.files.count);
  for (const { title, rows } of collectionSections(view.documents)) section(out, title, table(rows.map((row) => row.map((cell) => renderText(cell, 200)))), most);
  section(out, 'Not as it should be', lines(view.exceptions, exceptionLine), most, view.exceptions.count);
  section(out, 'Redacted', lines(view.redacted, (item) => `${shown(item)}: ${(item.redactions ?? []).slice(0, 8).map((name) => renderText(name)).join(', ')}${(item.redactions?.length ?? 0) > 8 ? ', …' : ''}`), most, view.redacted.count);
}

function section(out: Output, title: string, rows: readonly string[], most: number, count = rows.length): void {
  if (count === 0) return;
  out.line();
  out.line(out.paint('strong', title));
  for (const row of rows.slice(0, most)) out.line(`  ${row}`);
  if (count > most) out.line(`  … and ${count - Math.min(most, rows.length)} more (--lines)`);
}

function lines(listing: Listing<ManifestItem>, line: (item: ManifestItem) => string): readonly string[] {
  return listing.first.map(line);
}

function shown(item: ManifestItem): string {
  return renderPath(itemPath(item));
}

function recoveredLine(item: ManifestItem): string {
  const link = text(item.notes?.['link']);
  const reason = item.reason === undefined ? '' : `  (${renderText(item.reason)})`;
  return `${shown(item)}  ${renderText(item.outcome)}  ${item.stored ?? item.size ?? 0} bytes  ${renderText(item.sha256 ?? '')}  ${renderText(link)}${reason}`;
}

function fileLine(item: ManifestItem): string {
  const facts = `${item.mode ?? ''} ${String(item.size ?? 0).padStart(10)}  ${isoTime(item.mtime)}  ${(item.sha256 ?? '').slice(0, 16)}`;
  return `${renderText(facts)}  ${shown(item).replace(/^\[root\]/u, '')}`;
}

function exceptionLine(item: ManifestItem): string {
  return `${renderText(item.outcome).padEnd(9)} ${shown(item)}: ${renderText(item.reason ?? '')}`;
}

/** Decimal seconds as a date, where they are one. */
function isoTime(seconds: string | undefined): string {
  const ms = Number(seconds) * 1000;
  return Math.abs(ms) < 8.64e15 ? new Date(ms).toISOString().replace('T', ' ').replace(/\.\d+Z$/u, 'Z') : seconds ?? '';
}
