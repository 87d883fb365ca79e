/**
 * Files of `Key: value` lines: status, meminfo, smaps_rollup. Source: proc(5). In `status` the kernel escapes newlines
 * of the name, so no process can add a line of its own.
 */
import { latin1 } from './bytes.ts';

/** Not `^` of a multi-line pattern: that also matches behind a carriage return, which a process may put in its name. */
const LINE_START = '(?<![^\\n])';

/**
 * Makes a reader of some fields only, in the order of the file; names must be words. The first of two equal keys
 * counts.
 */
export function fieldPicker(names: readonly string[]): (body: Uint8Array) => Record<string, string> {
  const line = new RegExp(`${LINE_START}(${names.join('|')}):[ \\t]*([^\\n]*)`, 'g');
  return (body) => {
    const fields: Record<string, string> = {};
    for (const [, name = '', value = ''] of latin1(body).matchAll(line)) fields[name] ??= value;
    return fields;
  };
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

const SIZE = new RegExp(`${LINE_START}([\\w()]+):[ \\t]+(\\d+) kB\\n`, 'g');

/** The `Key:  123 kB` lines as bytes (the kernel's kB is 1024 bytes); other lines are left out. */
export function sizesOf(body: Uint8Array): Record<string, number> {
  const sizes: Record<string, number> = {};
  for (const [, key = '', value = ''] of latin1(body).matchAll(SIZE)) sizes[key] ??= Number(value) * 1024;
  return sizes;
}
