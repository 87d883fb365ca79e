/**
 * Members that are secret because of what stands beside them: private parts of web keys, parameters of type
 * SecureString.
 */
import type { Cover } from './cover.ts';
import { isMark } from './mark.ts';

const QUOTE = '\\\\{0,7}["\']';
const GAP = '[ \\t\\r\\n]{0,64}';
const TEXT = '(?:[^"\'\\\\]|\\\\(?!\\\\{0,6}["\'])){1,4096}';
const OTHERS = `(?:${GAP},${GAP}${QUOTE}\\w{1,40}${QUOTE}${GAP}:${GAP}(?:${QUOTE}[\\w .:/-]{0,200}${QUOTE}|[\\w.]{1,20})){0,3}?${GAP},${GAP}`;

interface Field {
  /** Without it the text has no such field. */
  readonly sign: string;
  /** The value is the group. */
  readonly pattern: RegExp;
}

const FIELDS: readonly Field[] = [
  // RFC 7518, section 6
  {
    sign: 'kty',
    pattern: new RegExp(
      `${QUOTE}(?:d|p|q|dp|dq|qi|k)${QUOTE}${GAP}:${GAP}${QUOTE}([\\w-]{10,4096})(?=\\\\{0,7}["\'])`,
      'g',
    ),
  },
  {
    sign: 'SecureString',
    pattern: new RegExp(`SecureString${QUOTE}${OTHERS}${QUOTE}Value${QUOTE}${GAP}:${GAP}${QUOTE}(${TEXT})`, 'g'),
  },
  {
    sign: 'SecureString',
    pattern: new RegExp(
      `${QUOTE}Value${QUOTE}${GAP}:${GAP}${QUOTE}(${TEXT})(?=${QUOTE}${OTHERS}${QUOTE}Type${QUOTE}${GAP}:${GAP}${QUOTE}SecureString)`,
      'g',
    ),
  },
];

export function hideFields(text: string, cover: Cover): string {
  let shown = text;
  for (const { sign, pattern } of FIELDS) {
    if (!shown.includes(sign)) continue;
    shown = shown.replace(pattern, (all: string, value: string) =>
      isMark(value) ? all : all.slice(0, all.length - value.length) + cover.hide(value, sign.toLowerCase()),
    );
  }
  return shown;
}
