/**
 * The redactor of one capture. Rules find secrets by name and by shape (names.ts, shapes.ts, assignments.ts, argv.ts);
 * what was found once is then searched for everywhere (known.ts). Nothing here is undone by anybody: the key of the
 * marks is made for the capture and, without a recipient, kept nowhere.
 */
import { isAscii, isUtf8 } from 'node:buffer';
import { randomBytes } from 'node:crypto';
import { createCover, Notes } from './cover.ts';
import type { Cover } from './cover.ts';
import type { Redacted, Redactor } from './contracts.ts';
import { createExtraRule } from './extra.ts';
import { createKnownValues } from './known.ts';
import type { KnownValues } from './known.ts';
import { createMarker } from './mark.ts';
import type { View } from './mark.ts';
import { createMemory } from './memory.ts';
import type { Memory, Watch } from './memory.ts';
import { mayStayInBranch, isSecretByName } from './names.ts';
import { createRules } from './rules.ts';
import type { Rules } from './rules.ts';
import { startWalk, walk } from './structure.ts';
import type { Place, Strings } from './structure.ts';

export interface RedactorOptions {
  /** Key of the marks; random if it is not given. */
  readonly key?: Uint8Array;
  /** Further secrets (AMBER_REDACT). Refused if `refusal` in pattern.ts says so. */
  readonly extra?: RegExp;
}

/** The cover for a place: `env.NAME`, `argv[3]`, a path in an object; '' for running text. */
type CoverAt = (where: string) => Cover;
type CoverInto = (notes: Notes) => CoverAt;
type Settle = <T>(view: View, run: (notes: Notes, into: CoverInto) => T) => Redacted<T>;
type InText = (text: string, notes: Notes, into: CoverInto) => string;

/** Secrets that one call learns, some 5 ms. More are hidden where they stand and are not searched for elsewhere. */
const MAX_LESSONS = 100;

/**
 * Makes the redactor of a capture.
 *
 * @throws AmberError CONFIG_INVALID for an `extra` pattern that could run for ever.
 */
export function createRedactor(options: RedactorOptions = {}): Redactor {
  const known = createKnownValues();
  const mark = createMarker(options.key ?? randomBytes(32));
  const rules = createRules(known, options.extra === undefined ? undefined : createExtraRule(options.extra));
  const memory = createMemory(known.generation);

  const settle = settling(known, mark);
  const bytes = (body: Uint8Array, run: InText): Redacted<Uint8Array> => redactedBytes(settle, body, run);
  const variable = (entry: string, cover: CoverAt): string =>
    rules.variable(entry, (name) => cover(`env.${shortName(name, rules, cover)}`));

  return {
    json: (value) =>
      settle('text', (notes, into) => {
        const path: string[] = [];
        const strings = redactedStrings(rules, path, into(notes), memory);
        return walk(
          value,
          '',
          'plain',
          startWalk(strings, path, (which, left) => notes.copy(`limit:${which}`, left)),
        );
      }),
    text: (text) => settle('text', (notes, into) => rules.text(text, into(notes)(''))),
    bytes(body, kind) {
      switch (kind) {
        case 'content':
          return { value: body, redactions: [] };
        case 'environ':
          return bytes(body, (text, notes, into) =>
            text
              .split('\0')
              .map((entry) => memory.recall(entry, notes, (own) => variable(entry, into(own))))
              .join('\0'),
          );
        case 'cmdline':
          return bytes(body, (text, notes, into) =>
            rules.argv(text.split('\0'), (index) => into(notes)(`argv[${index}]`)).join('\0'),
          );
        case 'text':
          return bytes(body, (text, notes, into) => rules.text(text, into(notes)('')));
      }
    },
    learn(variables) {
      settle('text', (notes, into) => {
        for (const [name, value] of Object.entries(variables))
          if (value !== undefined) variable(`${name}=${value}`, into(notes));
      });
    },
  };
}

/** Runs once more if secrets were learned on the way: they may stand in what was already done. */
function settling(known: KnownValues, mark: (secret: Buffer) => string): Settle {
  return (view, run) => {
    const lessons = { left: MAX_LESSONS };
    const into: CoverInto = (notes) => (where) =>
      createCover(view, known, mark, (rule, left) => notes.add(where, rule, left), lessons);
    const before = known.generation();
    const notes = new Notes();
    const value = run(notes, into);
    if (known.generation() === before) return { value, redactions: notes.list() };
    const more = new Notes(notes);
    return { value: run(more, into), redactions: more.list() };
  };
}

function redactedBytes(settle: Settle, body: Uint8Array, run: InText): Redacted<Uint8Array> {
  // Both ways give back the same bytes. Valid UTF-8 is read as such, so that `\u00e4` and a literal ä are one.
  const encoding = !isAscii(body) && isUtf8(body) ? 'utf8' : 'latin1';
  const text = Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString(encoding);
  const { value, redactions } = settle(encoding === 'utf8' ? 'text' : 'bytes', (notes, into) => run(text, notes, into));
  return { value: value === text ? body : Buffer.from(value, encoding), redactions };
}

/** A variable's name for the list of redactions: short, and without the secrets that somebody put in it. */
function shortName(name: string, rules: Rules, cover: CoverAt): string {
  return name === '' ? '?' : rules.text(name.slice(0, 100), { ...cover(''), note: () => undefined });
}

function redactedStrings(rules: Rules, path: readonly string[], cover: CoverAt, memory: Memory): Strings {
  const here = (suffix = ''): Cover => cover(path.join('.').replaceAll('.[', '[').slice(-300) + suffix);
  let watch: Watch | undefined;
  const noted = (): Cover => {
    if (watch !== undefined) watch.noted = true;
    return here();
  };
  // Made when it is needed: most strings hold nothing.
  const lazy: Cover = {
    hide: (secret, rule, meant) => noted().hide(secret, rule, meant),
    note: (rule, left) => noted().note(rule, left),
  };
  const text = (value: string): string =>
    memory.unlessClean(value, (own) => {
      watch = own;
      return rules.text(value, lazy);
    });
  return {
    key(key) {
      let shown = key;
      return memory.isClean(key, () => (shown = text(key))) ? key : shown;
    },
    value(value: string, name: string, place: Place) {
      if (place === 'plain' && !isSecretByName(name, value)) return text(value);
      if (place === 'argv') return rules.argv([value], () => lazy)[0] ?? value;
      if (place === 'secret' && !mayStayInBranch(name, value)) return lazy.hide(value, '');
      return rules.named(name, value, lazy, { suspicious: place === 'environment' });
    },
    argv: (list) => rules.argv(list, (index) => here(`[${index}]`)),
    bytes: (body) => {
      const before = Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString('latin1');
      return Buffer.from(rules.text(before, lazy), 'latin1');
    },
  };
}

/**
 * Changes no value; for what goes inside an age file. Values that JSON does not know still become plain and bounded.
 */
export function passThrough(): Redactor {
  const strings: Strings = {
    key: (text) => text,
    value: (text) => text,
    argv: (list) => [...list],
    bytes: (body) => body,
  };
  return {
    json: (value) => ({
      value: walk(
        value,
        '',
        'plain',
        startWalk(strings, [], () => undefined),
      ),
      redactions: [],
    }),
    text: (value) => ({ value, redactions: [] }),
    bytes: (value) => ({ value, redactions: [] }),
    learn: () => undefined,
  };
}
