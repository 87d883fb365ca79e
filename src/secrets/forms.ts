/**
 * The forms in which a known secret is searched for: itself, in lower case, in hex, and in base64 at each of the three
 * alignments.
 * Percent and backslash escapes are not listed here: encoders differ in what they escape, so the text is decoded
 * instead (escapes.ts).
 */
import { isUtf8 } from 'node:buffer';

/** Shortest form that is searched for. */
export const LEAST_FORM = 8;

/** All forms of the secret's bytes, as they appear in a string. */
export function formsOf(secret: Buffer): ReadonlySet<string> {
  const bytes = secret.toString('latin1');
  const text = isUtf8(secret) ? secret.toString('utf8') : undefined;
  const forms = new Set<string>([bytes]);
  if (text !== undefined) forms.add(text).add(text.toLowerCase()); // the name of a host, as resolvers write it
  for (const form of [...forms]) forms.add(form.replaceAll(' ', '+')); // a blank in a form (WHATWG URL, section 5)
  const hex = secret.toString('hex');
  forms.add(hex).add(hex.toUpperCase());
  for (const variant of text === undefined ? [secret] : [secret, ...escaped(text)]) {
    for (let before = 0; before < 3; before++) {
      const core = base64Core(variant, before);
      forms.add(core).add(core.replaceAll('+', '-').replaceAll('/', '_'));
    }
  }
  for (const form of forms) if (form.length < LEAST_FORM) forms.delete(form);
  return forms;
}

/** As the common encoders would write it inside something that is then encoded in base64. */
function escaped(text: string): Buffer[] {
  const json = JSON.stringify(text).slice(1, -1);
  const ascii = json.replaceAll(/[\u0080-\uffff]/g, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`);
  const percent = text.isWellFormed() ? encodeURIComponent(text) : text;
  const form = new URLSearchParams([['', text]]).toString().slice(1);
  const all = new Set([
    json,
    ascii,
    json.replaceAll('/', '\\/'),
    percent,
    percent.toLowerCase() === text.toLowerCase() ? percent : lowerEscapes(percent),
    form,
  ]);
  all.delete(text);
  return [...all].map((variant) => Buffer.from(variant, 'utf8'));
}

function lowerEscapes(percent: string): string {
  return percent.replaceAll(/%[0-9A-F]{2}/gu, (escape) => escape.toLowerCase());
}

/**
 * The base64 characters that depend on the secret alone when `before` bytes (modulo 3) stand in front of it. The
 * character at either end may mix in a neighbour's bits and is left out: it tells at most 4 bits.
 */
function base64Core(secret: Buffer, before: number): string {
  const encoded = Buffer.concat([Buffer.alloc(before), secret])
    .toString('base64')
    .replaceAll('=', '');
  const first = Math.ceil((before * 8) / 6);
  const end = Math.floor(((before + secret.length) * 8) / 6);
  return encoded.slice(first, end);
}
