/** A case as one page that opens offline: no script, nothing that is loaded, every text escaped. */
import { closeSync, readSync } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import type { Check } from '../verify/checks.ts';
import { appendTo, openNameless } from '../tar/nameless.ts';
import { renderMessage } from './safe-names.ts';
import { isVerified, type VerifyResult } from '../verify/verify.ts';
import type { TextSection } from './section.ts';

/** One capture or collection of the case. */
export interface ReportedCapture {
  readonly head: readonly (readonly [string, string])[];
  readonly sections: readonly TextSection[];
  readonly verified: VerifyResult;
  /** Why it was not read to its end. */
  readonly problem: string | undefined;
}

const STYLE = `
body{font:15px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:76rem;padding:0 1rem;color:#1c1c1c;background:#fff}
h1{font-size:1.5rem}h2{font-size:1.15rem;margin-top:2.5rem;border-top:2px solid #c9c9c9;padding-top:1rem}
table{border-collapse:collapse;margin:.4rem 0 1rem}
td,th{padding:.1rem .9rem .1rem 0;text-align:left;vertical-align:top}th{white-space:nowrap}
.rows td,.pre{font:13px/1.45 ui-monospace,monospace;white-space:pre-wrap;overflow-wrap:anywhere}
summary{cursor:pointer;font-weight:600;margin:.5rem 0}
.ok{color:#136c2e}.failed{color:#b3121d;font-weight:700}.dim{color:#666}
@media(prefers-color-scheme:dark){
body{color:#ddd;background:#161616}.ok{color:#6fd08c}.failed{color:#ff7b81}.dim{color:#999}h2{border-color:#444}}`;

/** A section of more rows than this is folded up. */
const LONG = 40;
/**
 * Rows of a section that stand in the page; the rest is counted. A case of many captures has fewer of each. Key events
 * have a bound of their own.
 */
const MAX_ROWS = 1000;
const LEAST_ROWS = 20;
const ROWS_OF_A_CASE = 10_000;
const PIECE = 1024 * 1024;

/** The page is made a capture at a time, in a file: the summary at its top is known when the last one was read. */
export class ReportPage {
  readonly #fd: number = openNameless();
  #bytes = 0;
  /** Places that stand in it. */
  count = 0;

  add(capture: ReportedCapture): void {
    this.count += 1;
    const most = Math.max(LEAST_ROWS, Math.min(MAX_ROWS, Math.floor(ROWS_OF_A_CASE / this.count)));
    this.#append(captureHtml(capture, most));
  }

  /** One that could not be read at all, such as one whose age files the identity does not open. */
  addUnread(location: string, reason: string): void {
    this.count += 1;
    this.#append(`<h2>${escapeHtml(location)}</h2>\n<p class="failed">${escapeHtml(renderMessage(reason))}</p>`);
  }

  #append(html: string): void {
    const bytes = Buffer.from(`${html}\n`, 'utf8');
    appendTo(this.#fd, bytes);
    this.#bytes += bytes.length;
  }

  async writeTo(file: FileHandle, head: PageHead): Promise<void> {
    await file.writeFile(headHtml(head));
    const buffer = Buffer.allocUnsafe(PIECE);
    for (let at = 0; at < this.#bytes; ) {
      const read = readSync(this.#fd, buffer, 0, PIECE, at);
      if (read === 0) break;
      await file.writeFile(buffer.subarray(0, read));
      at += read;
    }
    await file.writeFile('\n</body></html>\n');
  }

  close(): void {
    closeSync(this.#fd);
  }
}

/** What stands above all captures. */
export interface PageHead {
  readonly title: string;
  /** Copies of a capture that cannot both be it, one sentence each. */
  readonly contradictions: readonly string[];
  /** Events of all of them. */
  readonly moments: TextSection;
  /** Our clock, milliseconds since the epoch. */
  readonly madeMs: number;
  /** How many captures are verified, in words, and whether that is all of them. */
  readonly count: string;
  readonly isGood: boolean;
}

function headHtml({ title: named, count, isGood, contradictions, moments, madeMs }: PageHead): string {
  const title = renderMessage(named);
  const made = new Date(madeMs).toISOString().replace(/\.\d+Z$/u, 'Z');
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width">
<title>${escapeHtml(title)}</title><style>${STYLE}</style></head><body>
<h1>${escapeHtml(title)}</h1>
<p class="${isGood ? 'ok' : 'failed'}">${escapeHtml(count)}</p>
${contradictions.map((text) => `<p class="failed">${escapeHtml(renderMessage(text))}</p>`).join('\n')}
<p class="dim">Made ${made}. What a capture says was written by, or beside, an intruder in the sandbox;
what was verified of it stands with each.</p>
${moments.count === 0 ? '' : sectionHtml(moments, moments.rows.length, 'timeline')}
`;
}

function captureHtml({ head, sections, verified, problem }: ReportedCapture, most: number): string {
  const name = head.find(([key]) => key === 'function')?.[1] ?? verified.location;
  const when = head.find(([key]) => key === 'started')?.[1] ?? '';
  const facts = head.map(
    ([key, value]) => `<tr><th>${escapeHtml(key)}</th><td class="pre">${escapeHtml(value)}</td></tr>`,
  );
  const isGood = isVerified(verified);
  return [
    `<h2>${escapeHtml(`${name} ${when}`)}</h2>`,
    `<table>${facts.join('')}</table>`,
    ...(problem === undefined ? [] : [`<p class="failed">${escapeHtml(renderMessage(problem))}</p>`]),
    `<details${isGood ? '' : ' open'}>` +
      `<summary class="${isGood ? 'ok' : 'failed'}">${escapeHtml(renderMessage(verified.summary))}</summary>` +
      `<table class="rows">${verified.checks.map(checkHtml).join('')}</table></details>`,
    ...sections.map((section) => sectionHtml(section, most)),
  ].join('\n');
}

const WORDS = { ok: ['ok', 'ok'], failed: ['failed', 'FAILED'], 'not-checked': ['dim', 'not checked'] } as const;

function checkHtml(check: Check): string {
  const [tone, word] = WORDS[check.state];
  const told = [check.detail, ...check.findings]
    .filter((line) => line !== '')
    .map((line) => escapeHtml(renderMessage(line)))
    .join('<br>');
  return `<tr><td class="${tone}">${word}</td><td>${escapeHtml(check.what)}</td><td>${told}</td></tr>`;
}

function sectionHtml({ title, rows, count, notes = [] }: TextSection, most: number, command = 'show'): string {
  const shown = rows.slice(0, most);
  const more =
    count > shown.length ? `<p class="dim">and ${count - shown.length} more: \`amber ${command}\` lists them</p>` : '';
  const cells = shown.map((row) => `<tr>${row.map((cell) => `<td>${escapeHtml(cell)}</td>`).join('')}</tr>`).join('');
  const told = notes.map((note) => `<p class="failed">${escapeHtml(renderMessage(note))}</p>`).join('');
  return (
    `<details${shown.length > LONG ? '' : ' open'}><summary>${escapeHtml(title)} (${count})</summary>${told}<table ` +
    `class="rows">${cells}</table>${more}</details>`
  );
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

function escapeHtml(text: string): string {
  return text.replaceAll(/[&<>"']/gu, (character) => ENTITIES[character] ?? '');
}
