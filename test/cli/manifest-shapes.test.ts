/** manifest.json as anybody may have written it: a finding each time, and never a crash, whatever its shape. */
import { equal, match, ok } from 'node:assert/strict';
import { cpSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, describe, test } from 'node:test';
import fc from 'fast-check';
import { main } from '../../src/cli/amber.ts';
import { Writable } from 'node:stream';
import { freshFolder, makeCapture, type MadeCapture } from '../case/captures.ts';
import { times } from '../effort.ts';
import { program } from './program.ts';

const SEED = Number(process.env['SEED'] ?? Math.floor(Math.random() * 2 ** 31));

let made: MadeCapture;
before(async () => {
  made = await makeCapture({ apart: true });
});

function withManifest(text: string): string {
  const folder = join(freshFolder(), 'one');
  cpSync(made.folder, folder, { recursive: true });
  writeFileSync(join(folder, 'manifest.json'), text);
  return folder;
}

/** Commands that read a capture, with where they may write. */
const COMMANDS: readonly (readonly [name: string, more: (folder: string) => readonly string[]])[] = [
  ['verify', () => []],
  ['verify', () => ['--all']],
  ['show', () => []],
  ['captures', () => []],
  ['salvage', () => []],
  ['timeline', (folder) => ['--to', join(folder, 'timeline.jsonl')]],
  ['report', (folder) => ['--to', join(folder, 'report.html')]],
  ['pull', (folder) => ['--to', join(folder, 'pulled')]],
];

describe('a manifest.json of another shape, through the built command', () => {
  const shapes: Readonly<Record<string, string>> = {
    'a list': '[]',
    null: 'null',
    'a number': '42',
    'a text': '"x"',
    true: 'true',
    nothing: '',
    'an object': '{}',
  };
  for (const [name, text] of Object.entries(shapes)) {
    test(`is a finding: ${name}`, async () => {
      const folder = withManifest(text);
      const { code, out, err } = await program(['verify', folder]);
      equal(code, 1, err);
      match(out, /^FAILED: .*manifest\.json is not usable: /mu);
      for (const [command, more] of COMMANDS) {
        const ran = await program([command, folder, ...more(freshFolder())]);
        ok(ran.code >= 0 && ran.code <= 3 && !/BUG|TypeError/u.test(ran.err), `${command}: ${ran.code} ${ran.err}`);
      }
    });
  }

  for (const field of ['cost', 'limits']) {
    test(`is no crash: ${field} is empty`, async () => {
      const folder = withManifest(JSON.stringify({ ...made.manifest, [field]: {} }));
      for (const [command, more] of COMMANDS) {
        const ran = await program([command, folder, ...more(freshFolder())]);
        ok(ran.code >= 0 && ran.code <= 3 && !/BUG|TypeError/u.test(ran.err), `${command}: ${ran.code} ${ran.err}`);
      }
    });
  }
});

class Kept extends Writable {
  text = '';
  override _write(piece: Buffer, _encoding: string, done: () => void): void {
    this.text += String(piece);
    done();
  }
}

async function run(argv: readonly string[]): Promise<{ code: number; err: string }> {
  const [stdout, stderr] = [new Kept(), new Kept()];
  const code = await main(argv, { stdout, stderr, env: {} });
  return { code, err: stderr.text };
}

/** What a member is replaced by: every kind of JSON, and numbers and texts at their ends. */
const strange = fc.oneof(
  fc.constantFrom<unknown>(
    null,
    true,
    0,
    -1,
    1.5,
    1e308,
    2 ** 53,
    '',
    '\u0000',
    '\ud800',
    '../../x',
    [],
    {},
    [null],
    [[]],
    [{}],
    { x: null },
    { __proto__x: 1 },
    'x'.repeat(5000),
  ),
  fc.jsonValue({ maxDepth: 2 }),
);

/** All paths to members of a document, two at most of each list. */
function pathsOf(value: unknown, path: readonly string[] = []): (readonly string[])[] {
  if (typeof value !== 'object' || value === null) return [path];
  const members = Object.entries(value).slice(0, Array.isArray(value) ? 2 : Infinity);
  return [path, ...members.flatMap(([name, member]) => pathsOf(member, [...path, name]))];
}

function replaced(value: unknown, [name, ...rest]: readonly string[], by: unknown, takeAway: boolean): unknown {
  if (name === undefined) return by;
  if (Array.isArray(value))
    return value.flatMap((one: unknown, index) =>
      String(index) !== name ? [one] : takeAway && rest.length === 0 ? [] : [replaced(one, rest, by, takeAway)],
    );
  const members = Object.entries(value as Readonly<Record<string, unknown>>);
  return Object.fromEntries(
    members.flatMap(([key, member]) =>
      key !== name
        ? [[key, member]]
        : takeAway && rest.length === 0
          ? []
          : [[key, replaced(member, rest, by, takeAway)]],
    ),
  );
}

describe(`a manifest.json of which members are replaced or taken away (SEED=${SEED})`, () => {
  test('is never a crash, in any command', { timeout: 280_000 }, async () => {
    // What a manifest may have, and this one has not.
    const rich = {
      ...made.manifest,
      endedEarly: 'an order to stop',
      completeness: { state: 'partial', outcomes: { denied: 1 }, reasons: [{ reason: 'x', items: 1 }] },
      cause: { ...made.manifest.cause, order: { id: '1', requester: 'x', reason: 'y' }, findings: [{ detector: 'x' }] },
    };
    const document = fc
      .array(fc.tuple(fc.constantFrom(...pathsOf(rich)), strange, fc.boolean()), { minLength: 1, maxLength: 2 })
      .map((changes) =>
        changes.reduce<unknown>((value, [path, by, takeAway]) => {
          try {
            return replaced(value, path, by, takeAway);
          } catch {
            return value; // an earlier change took away what this path leads through
          }
        }, rich),
      );
    const base = freshFolder();
    let place = 0;
    await fc.assert(
      fc.asyncProperty(document, async (value) => {
        const folder = join(base, String((place += 1)), 'one');
        cpSync(made.folder, folder, { recursive: true });
        writeFileSync(join(folder, 'manifest.json'), JSON.stringify(value));
        const to = join(folder, '..', 'made');
        mkdirSync(to);
        for (const [command, more] of COMMANDS) {
          const { code, err } = await run([command, folder, ...more(to)]);
          ok(code >= 0 && code <= 3 && !/BUG|TypeError/u.test(err), `${command}: ${code} ${err}`);
          if (command === 'verify' && code === 0) ok(typeof value === 'object' && value !== null, 'verified');
        }
        rmSync(join(folder, '..'), { recursive: true });
      }),
      { seed: SEED, numRuns: times(50) },
    );
  });
});
