/** A case as one page that opens offline: no script, nothing that is loaded, every text escaped. */
import type { Check } from './checks.ts';
import { renderMessage } from './safe-names.ts';
import type { TextSection } from './sections.ts';
import type { VerifyResult } from './verify.ts';

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
table{border-collapse:collapse;margin:.4rem 0 1rem}td,th{padding:.1rem .9rem .1rem 0;text-align:left;vertical-align:top}th{white-space:nowrap}
.rows td,.pre{font:13px/1.45 ui-monospace,monospace;white-space:pre-wrap;overflow-wrap:anywhere}
summary{cursor:pointer;font-weight:600;margin:.5rem 0}
.ok{color:#136c2e}.failed{color:#b3121d;font-weight:700}.dim{color:#666}
@media(prefers-color-scheme:dark){body{color:#ddd;background:#161616}.ok{color:#6fd08c}.failed{color:#ff7b81}.dim{color:#999}h2{border-color:#444}}`;

/** A section of more rows than this is folded up. */
const LONG = 40;
/** Rows of a section that stand in the page; the rest is counted. */
const MAX_ROWS = 1000;

/** @param moments - events of all of them; @param madeMs - our clock, milliseconds since the epoch */
export function reportPage(title: string, captures: readonly ReportedCapture[], moments: TextSection, madeMs: number): string {
  const verified = captures.filter((one) => one.verified.verdict === 'verified').length;
  const made = new Date(madeMs).toISOString().replace(/\.\d+Z$/u, 'Z');
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width"><title>${escapeHtml(title)}</title><style>${STYLE}</style></head><body>
<h1>${escapeHtml(title)}</h1>
<p class="${verified === captures.length ? 'ok' : 'failed'}">${verified} of ${captures.length} verified</p>
<p class="dim">Made ${made}. What a capture says was written by, or beside, whoever was in the sandbox; what was verified of it stands with each.</p>
${moments.count === 0 ? '' : sectionHtml(moments)}
${captures.map(captureHtml).join('\n')}
</body></html>
`;
}

function captureHtml({ head, sections, verified, problem }: ReportedCapture): string {
  const name = head.find(([key]) => key === 'function')?.[1] ?? verified.location;
  const when = head.find(([key]) => key === 'started')?.[1] ?? '';
  return [
    `<h2>${escapeHtml(`${name} ${when}`)}</h2>`,
    `<table>${head.map(([key, value]) => `<tr><th>${escapeHtml(key)}</th><td class="pre">${escapeHtml(value)}</td></tr>`).join('')}</table>`,
    ...(problem === undefined ? [] : [`<p class="failed">${escapeHtml(renderMessage(problem))}</p>`]),
    `<details${verified.verdict === 'verified' ? '' : ' open'}><summary class="${verified.verdict === 'verified' ? 'ok' : 'failed'}">${escapeHtml(renderMessage(verified.summary))}</summary><table class="rows">${verified.checks.map(checkHtml).join('')}</table></details>`,
    ...sections.map(sectionHtml),
  ].join('\n');
}

const WORDS = { ok: ['ok', 'ok'], failed: ['failed', 'FAILED'], 'not-checked': ['dim', 'not checked'] } as const;

function checkHtml(check: Check): string {
  const [tone, word] = WORDS[check.state];
  const told = [check.detail, ...check.findings].filter((line) => line !== '').map((line) => escapeHtml(renderMessage(line))).join('<br>');
  return `<tr><td class="${tone}">${word}</td><td>${escapeHtml(check.what)}</td><td>${told}</td></tr>`;
}

function sectionHtml({ title, rows, count }: TextSection): string {
  const shown = rows.slice(0, MAX_ROWS);
  const more = count > shown.length ? `<p class="dim">and ${count - shown.length} more</p>` : '';
  const cells = shown.map((row) => `<tr>${row.map((cell) => `<td>${escapeHtml(cell)}</td>`).join('')}</tr>`).join('');
  return `<details${count > LONG ? '' : ' open'}><summary>${escapeHtml(title)} (${count})</summary><table class="rows">${cells}</table>${more}</details>`;
}

const ENTITIES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };

function escapeHtml(text: string): string {
  return text.replaceAll(/[&<>"']/gu, (character) => ENTITIES[character] ?? '');
}
