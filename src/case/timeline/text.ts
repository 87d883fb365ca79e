/** Rows of a timeline as text for a reader, and as CSV. What they quote was chosen by code in the sandbox. */
import { renderShown, renderText } from '../view/safe-names.ts';
import { isNamed, type TimelineRow } from './event.ts';

const MAX_MESSAGE = 400;

/** Sources of which the message alone does not say what happened then. */
const DESCRIBED: ReadonlySet<string> = new Set(['files', 'guardduty']);

/** What happened, for a terminal or a page; a name in it is escaped once. */
export function messageText({ data_type: dataType, message }: TimelineRow, most: number): string {
  return (isNamed(dataType) ? renderShown : renderText)(message, most);
}

/** One line: time, source, what happened. */
export function textLine(row: TimelineRow): string {
  const time = row.datetime.replace('T', ' ').replace('+00:00', 'Z');
  const what = DESCRIBED.has(row.source) ? `${renderText(row.timestamp_desc, 100)}: ` : '';
  return `${time}  ${row.source.padEnd(13)}  ${what}${messageText(row, MAX_MESSAGE)}`;
}

/** Timesketch needs the first three; further columns of a row stand in the JSON forms alone. */
const COLUMNS = [
  'datetime',
  'timestamp_desc',
  'message',
  'timestamp',
  'source',
  'data_type',
  'tag',
  'function_name',
  'capture_id',
  'filename',
  'pid',
  'log_stream',
  'username',
  'source_ip',
  'access_key_id',
  'event_id',
  'resource',
  'evidence',
] as const;

export function csvHead(): string {
  return COLUMNS.join(',');
}

/** RFC 4180, controls and invisible characters escaped. */
export function csvLine(row: TimelineRow): string {
  return COLUMNS.map((column) => {
    const value = row[column];
    return typeof value === 'number'
      ? String(value)
      : cell(Array.isArray(value) ? value.join(' ') : typeof value === 'string' ? value : '', {
          hasName: isShown(row, column),
        });
  }).join(',');
}

/**
 * A spreadsheet takes what begins so for a formula, and runs it (OWASP, "CSV Injection"): an apostrophe makes it a
 * text. Where a locale separates cells by a semicolon or a tab, a cell begins behind one, too; full-width forms count
 * as the plain ones.
 */
const FORMULA = /(^|[;\t\r\n|])([\s\u00a0\u3000"]*)(?=[=+\-@\uff1d\uff0b\uff0d\uff20\t\r])/gu;

function isShown({ data_type: dataType }: TimelineRow, column: string): boolean {
  return isNamed(dataType) && (column === 'message' || column === 'filename');
}

function cell(value: string, { hasName }: { readonly hasName: boolean }): string {
  // What a name decodes to may be a formula as well.
  const text = hasName ? asText(renderShown(value, 8192)) : renderText(asText(value), 8192);
  return /[",;\n\t]/u.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

function asText(value: string): string {
  return value.replace(FORMULA, `$1$2'`);
}
