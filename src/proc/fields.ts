/** Files of `Key: value` lines: status, meminfo, smaps_rollup, fdinfo. Source: proc(5). */
import { latin1 } from './bytes.ts';

/**
 * Every `Key:<blank>value` line. The first of two equal keys counts (io_uring and epoll repeat theirs in fdinfo: see
 * parseFdInfo). In `status` the kernel escapes newlines of the name, so no process can add a line of its own.
 */
export function parseFields(body: Uint8Array): Map<string, string> {
  const fields = new Map<string, string>();
  for (const line of latin1(body).split('\n')) {
    const colon = line.indexOf(':');
    if (colon <= 0) continue;
    const key = line.slice(0, colon);
    if (!fields.has(key)) fields.set(key, line.slice(colon + 1).trim());
  }
  return fields;
}

/** The fields of these names, in the order of the file, in one pass. */
export function pickFields(body: Uint8Array, names: ReadonlySet<string>): Map<string, string> {
  const text = latin1(body);
  const fields = new Map<string, string>();
  for (let start = 0; start < text.length;) {
    const newline = text.indexOf('\n', start);
    const end = newline < 0 ? text.length : newline;
    const colon = text.indexOf(':', start);
    if (colon < 0) break;
    const key = text.slice(start, colon);
    if (colon < end && names.has(key) && !fields.has(key)) fields.set(key, text.slice(colon + 1, end).trim());
    start = end + 1;
  }
  return fields;
}

/** One field, without reading the others: what the snapshot does for every process. */
export function fieldOf(text: string, key: string): string | undefined {
  const mark = `${key}:`;
  const line = text.startsWith(mark) ? 0 : text.indexOf(`\n${mark}`) + 1;
  if (line === 0 && !text.startsWith(mark)) return undefined;
  const start = line + mark.length;
  const end = text.indexOf('\n', start);
  return text.slice(start, end === -1 ? undefined : end).trim();
}

/** `123 kB` lines as bytes (the kernel's kB is 1024 bytes); other values are left out. */
export function bytesOf(fields: ReadonlyMap<string, string>): Record<string, number> {
  const sizes: Record<string, number> = {};
  for (const [key, value] of fields) {
    const match = /^(\d+) kB$/u.exec(value);
    if (match !== null) sizes[key] = Number(match[1]) * 1024;
  }
  return sizes;
}
