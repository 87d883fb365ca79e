/** The user's own pattern (AMBER_REDACT). It may be any regular expression and the attacker writes the text, so both are bounded. */
import { AmberError } from '../errors.ts';
import type { Cover } from './cover.ts';
import { holdsMark, LIMIT } from './mark.ts';
import { refusal } from './pattern.ts';

export type ExtraRule = (text: string, cover: Cover) => string;

/** The pattern sees windows of this size, each with the end of the one before, in which a match may begin. */
const WINDOW = 1024;
const OVERLAP = 256;
/** When the pattern has run so long on one text, the rest of that text is not kept. */
const MAX_MS = 50;

/**
 * Makes the rule.
 *
 * @throws AmberError CONFIG_INVALID for a pattern that `refusal` names.
 */
export function createExtraRule(pattern: RegExp): ExtraRule {
  const reason = refusal(pattern);
  if (reason !== undefined) throw new AmberError('CONFIG_INVALID', `The pattern of AMBER_REDACT ${reason}. Example: internal-[0-9]{4,12}`);
  const expression = new RegExp(pattern.source, `${pattern.flags.replaceAll(/[gy]/gu, '')}g`);
  return (text, cover) => {
    const started = performance.now();
    const parts: string[] = [];
    let done = 0;
    for (let start = 0; start === 0 || start + OVERLAP < text.length; start += WINDOW - OVERLAP) {
      if (start > 0 && performance.now() - started > MAX_MS) {
        cover.note('limit:pattern');
        return `${parts.join('')}${text.slice(done, start)}${LIMIT}`;
      }
      const window = text.slice(start, start + WINDOW);
      for (const match of window.matchAll(expression)) {
        const at = start + match.index;
        const end = at + match[0].length;
        if (match[0] === '' || at < done || holdsMark(match[0])) continue;
        // It may go on behind the window, and the next window sees it from its beginning.
        if (match.index > WINDOW - OVERLAP && end === start + WINDOW && end < text.length) continue;
        parts.push(text.slice(done, at), cover.hide(match[0], 'pattern'));
        done = end;
      }
    }
    return done === 0 ? text : parts.join('') + text.slice(done);
  };
}
