/** The rules in the order in which they are asked. One call of the redactor has one `Rules` over it. */
import { secretParts, type Part } from './argv.ts';
import { hideAssignments } from './assignments.ts';
import type { Cover } from './cover.ts';
import { findEncoded, surface } from './encoded.ts';
import type { Depth } from './encoded.ts';
import type { ExtraRule } from './extra.ts';
import { hideFields } from './fields.ts';
import { hideCookies, hideCredential } from './headers.ts';
import { assemble } from './hits.ts';
import type { KnownValues } from './known.ts';
import { holdsMark, isMark } from './mark.ts';
import { isAuthorizationName, isCookieName, isSecretByName, isSuspect } from './names.ts';
import { findShapes } from './shapes.ts';
import type { Found, Left } from './hit.ts';

export interface Rules {
  /** The user's own pattern, shapes, encoded texts and known values, then assignments and fields. */
  readonly text: (text: string, cover: Cover) => string;
  /** The value of a name. `suspicious`: a random value is a secret, whatever its name (environment variables). */
  readonly named: (name: string, value: string, cover: Cover, options: { readonly suspicious: boolean }) => string;
  /** A value whose name or place already says that it is a secret. */
  readonly secret: (name: string, value: string, cover: Cover, rule: string) => string;
  /** `NAME=value`, or anything else that stands in an environment block. */
  readonly variable: (entry: string, cover: (name: string) => Cover) => string;
  /** A command line. */
  readonly argv: (argv: readonly string[], cover: (index: number) => Cover) => string[];
}

/** No rule for text finds anything in less: `pwd=ab`. */
const LEAST_TEXT = 6;
/** No shape is shorter, unless it has a sign of a place. */
const LEAST_BARE = 16;
const SIGNS = /[^\w./+-]/u;
/** Values shorter than this are not searched for more secrets inside. */
const LEAST_COMPOUND = 12;

interface Look {
  readonly cover: Cover;
  readonly depth: Depth;
  readonly known: KnownValues | undefined;
  readonly extra: ExtraRule | undefined;
}

function lookAt(text: string, looking: Look): string {
  const { cover, depth, known, extra } = looking;
  if (text.length < LEAST_TEXT && extra === undefined) return text;
  // All look at the text as it is: none of them breaks up what another one would find.
  const found: Found = { hits: [], cutAt: text.length };
  extra?.(text, cover, found);
  // What the pattern has named here is not named a second time.
  const note =
    found.hits.length === 0
      ? cover.note
      : (rule: string, left?: Left) => {
          if (rule !== 'known') cover.note(rule, left);
        };
  const isBare = !SIGNS.test(text);
  if (text.length < LEAST_BARE && isBare) {
    known?.find(text, found, note);
    return assemble(text, found);
  }
  findShapes(text, cover, found.hits);
  findEncoded(text, {
    cover,
    depth,
    look: (inner, deeper) => lookAt(inner, { ...looking, depth: deeper }),
    hits: found.hits,
    isBare,
  });
  known?.find(text, found, note);
  // One word of letters, digits and `./+-` (a path, a digest, a time) assigns nothing to a name.
  if (isBare) return assemble(text, found);
  return hideFields(hideAssignments(assemble(text, found), cover), cover);
}

export function createRules(known: KnownValues, extra: ExtraRule | undefined): Rules {
  const look = (
    text: string,
    cover: Cover,
    depth = surface(text),
    { search = true }: { readonly search?: boolean } = {},
  ): string => lookAt(text, { cover, depth, known: search ? known : undefined, extra });
  const text = (text: string, cover: Cover): string => look(text, cover);

  function secret(name: string, value: string, cover: Cover, rule: string): string {
    if (value === '' || isMark(value)) return value;
    if (isAuthorizationName(name)) return hideCredential(value, cover, rule);
    if (isCookieName(name) && value.includes('=')) return hideCookies(value, cover, rule);
    // A connection string or a JSON document holds secrets of its own: learn them, although all of it goes.
    if (value.length >= LEAST_COMPOUND && /[:=@]/u.test(value))
      look(value, { ...cover, note: () => undefined }, surface(value), { search: false });
    return cover.hide(value, rule);
  }

  function named(name: string, value: string, cover: Cover, { suspicious }: { readonly suspicious: boolean }): string {
    if (isSecretByName(name, value)) return secret(name, value, cover, '');
    const shown = text(value, cover);
    if (suspicious && !holdsMark(shown) && isSuspect(name, shown)) return cover.hide(shown, 'random');
    return shown;
  }

  function variable(entry: string, cover: (name: string) => Cover): string {
    const at = entry.indexOf('=');
    if (at <= 0) return entry === '' ? entry : text(entry, cover(''));
    const name = entry.slice(0, at);
    const own = cover(name);
    const found: Found = { hits: [], cutAt: entry.length };
    extra?.(entry, own, found);
    known.find(entry, found, own.note);
    const whole = assemble(entry, found);
    // A secret with `=` in it may begin in what looks like the name.
    if (!whole.startsWith(`${name}=`)) return text(whole, own);
    return `${name}=${named(name, entry.slice(at + 1), own, { suspicious: true })}`;
  }

  function argv(args: readonly string[], cover: (index: number) => Cover): string[] {
    const parts = secretParts(args, (index, which, left) => cover(index).note(`limit:${which}`, left));
    return args.map((arg, index) => {
      const own = cover(index);
      const shown = hideParts(arg, parts[index] ?? [], (part, value) =>
        part.cookie ? hideCookies(value, own, part.name) : secret(part.name, value, own, ''),
      );
      return text(shown, own);
    });
  }

  return { text, named, secret, variable, argv };
}

/** The argument with each of its parts as `shown` gives it. */
function hideParts(arg: string, parts: readonly Part[], shownAs: (part: Part, value: string) => string): string {
  let done = 0;
  let shown = '';
  for (const part of parts) {
    if (part.start < done) continue;
    shown += arg.slice(done, part.start) + shownAs(part, arg.slice(part.start, part.end));
    done = part.end;
  }
  return shown + arg.slice(done);
}
