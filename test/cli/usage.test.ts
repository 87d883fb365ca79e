/**
 * Whatever is typed: one sentence with the flag, the value, what is expected and an example; every command, as it is
 * published.
 */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, describe, test } from 'node:test';
import { GENERAL_OPTIONS, type Command, type CommandOption } from '../../src/cli/command.ts';
import { COMMANDS } from '../../src/cli/index.ts';
import { times } from '../effort.ts';
import { freshFolder, makeCapture } from '../case/captures.ts';
import { IDENTITY } from '../case/checking.ts';
import { builtAmber, type BuiltAmber, type BuiltRan } from './command-built.ts';

const SENTENCE = /^amber: USAGE: .+; (?:expected .+, )?for example .+\.(?: `amber \w+ --help` lists them\.)?\n$/u;
const WITHIN_MS = 60_000;
/** Values of no kind: a negative number, an enum, a path, a date, an ARN, controls, markup. */
const GARBAGE = [
  '-5',
  'no\nsuch\u001b[31m',
  '/nonexistent/../x',
  '2025-13-45T99:00Z',
  'arn:aws:s3:::x',
  '\u{1f600}',
  '',
  '1e99',
  '%s\\n${x}',
];
/** Kinds of values with one form for all commands, and what does not have it. */
const WRONG: Readonly<Record<string, readonly string[]>> = {
  N: ['-5', '0', '1.5', 'many', ''],
  SECONDS: ['-5', '0', 'soon'],
  LINES: ['-5', '1000', 'few'],
  LIFE: ['never', '0h', '12', '-5'],
  SIZE: ['-5', '0', 'big'],
  TIME: ['yesterday', '2025-13-45', '-5'],
  ENDPOINT: ['arn:aws:s3:::x', '/nonexistent/../x', 'no\nsuch\u001b[31m', 'localhost:9000', ''],
  REGION: ['-5', 'eu central', ''],
};
/** What a command is given beside the option, so that it gets to it. */
const BESIDE: Readonly<Record<string, readonly string[]>> = {
  trigger: ['checkout', '--reason', 'x'],
  status: ['checkout'],
  collect: ['checkout', '--out', './case'],
  doctor: ['checkout'],
  hunt: ['checkout'],
};

const { NODE_COMPILE_CACHE: compiled } = process.env;
const NET = {
  AWS_REGION: 'eu-central-1',
  AWS_ACCESS_KEY_ID: 'AKIAIOSFODNN7EXAMPLE',
  AWS_SECRET_ACCESS_KEY: 'x'.repeat(40),
  AWS_ENDPOINT_URL: 'http://127.0.0.1:9',
  AWS_MAX_ATTEMPTS: '1',
  // The same code is started hundreds of times: a quarter less CPU each.
  ...(compiled === undefined ? {} : { NODE_COMPILE_CACHE: compiled }),
};

let commands: readonly Command[];
let amber: BuiltAmber;
let base: string;
let identity: string;
before(async () => {
  commands = await Promise.all(Object.values(COMMANDS).map((load) => load()));
  amber = builtAmber();
  ({ base } = await makeCapture());
  identity = join(freshFolder(), 'key.txt');
  writeFileSync(identity, `${IDENTITY}\n`);
});

function besideOf({ name }: Command): readonly string[] {
  return BESIDE[name] ?? [base];
}

/** Options with a value. */
function valued({ options }: Command): readonly (readonly [string, CommandOption])[] {
  return Object.entries(options).filter(([, { type }]) => type === 'string');
}

/** What a command makes where nobody says where, lies there. */
const cwd = freshFolder();
const run = (argv: readonly string[]): Promise<BuiltRan> => amber(argv, { env: NET, withinMs: WITHIN_MS, cwd });

/** Four at once: each is a process. */
async function each<T>(all: readonly T[], work: (one: T) => Promise<void>): Promise<void> {
  const waiting = [...all];
  await Promise.all(
    Array.from({ length: 4 }, async () => {
      for (let one = waiting.shift(); one !== undefined; one = waiting.shift()) await work(one);
    }),
  );
}

function assertSentence({ code, err, out }: BuiltRan, argv: readonly string[], ...parts: readonly string[]): void {
  const call = JSON.stringify(argv);
  assert.equal(code, 2, `${call}: ${err}${out}`);
  assert.match(err, SENTENCE, call);
  for (const part of parts) assert.ok(err.includes(part), `${call}: ${err}`);
}

describe('usage', () => {
  test('an option without its value, an unknown one, a value where none is, and no place at all', async () => {
    const cases = commands.flatMap((command): [readonly string[], readonly string[]][] => [
      ...valued(command).map(([name]): [readonly string[], readonly string[]] => [
        [command.name, ...besideOf(command), `--${name}`],
        [`--${name} has no value; expected `, `for example --${name} `],
      ]),
      [
        [command.name, ...besideOf(command), '--bogus=1'],
        ['There is no option "--bogus"', '--json'],
      ],
      [[command.name, '--json=yes'], ['--json is "yes"; expected no value']],
    ]);
    await each(cases, async ([argv, parts]) => {
      const ran = await run(argv);
      assertSentence(ran, argv, ...parts);
    });
    assert.ok(cases.length > 100, `${cases.length} cases`);
  });

  test('an empty value, which a variable that is not set leaves: of every option', async () => {
    const cases = commands.flatMap((command) => valued(command).map(([name, { short }]) => ({ command, name, short })));
    await each(cases, async ({ command, name, short }) => {
      const typed = short === undefined ? [`--${name}=`] : [`-${short}`, ''];
      // Once: given twice is another mistake.
      const beside = besideOf(command);
      const at = beside.indexOf(`--${name}`);
      const argv = [command.name, ...(at < 0 ? beside : beside.toSpliced(at, 2)), ...typed];
      assertSentence(await run(argv), argv, `--${name} is ""; expected `, `for example --${name} `);
    });
    assert.ok(cases.length > 90, `${cases.length} cases`);
  });

  test('an option with a value that is given twice: of every option', async () => {
    const cases = commands.flatMap((command) =>
      valued(command).flatMap(([name, { short }]) => [
        { command, name, again: `--${name}=b` },
        ...(short === undefined ? [] : [{ command, name, again: `-${short}b` }]),
      ]),
    );
    await each(cases, async ({ command, name, again }) => {
      const argv = [command.name, ...besideOf(command), `--${name}=a`, again];
      assertSentence(await run(argv), argv, `--${name} is given twice; expected one `, `for example --${name} `);
    });
    assert.ok(cases.length > 90, `${cases.length} cases`);
  });

  test('a place that is missing, empty, or one too many', async () => {
    const places = commands.filter(({ usage }) => /^(?:LOCATION|FUNCTION)/u.test(usage));
    const cases = places.flatMap(({ name }) => [[name], [name, ''], [name, 'one', 'two two', 'three']]);
    await each(cases, async (argv) => {
      const ran = await run(argv);
      assertSentence(ran, argv, 'for example amber ');
    });
    assert.ok(places.length >= 8, `${places.length} commands`);
  });

  test('a value of a kind that has one form: number, size, time', async () => {
    const cases = commands.flatMap((command) =>
      valued(command).flatMap(([name, { value = '' }]) =>
        (WRONG[value] ?? []).map((text) => ({ command, name, text })),
      ),
    );
    await each(cases, async ({ command, name, text }) => {
      const argv = [
        command.name,
        ...besideOf(command),
        ...(name === 'max-bytes' && command.name === 'pull' ? ['--extract'] : []),
        `--${name}`,
        text,
      ];
      assertSentence(await run(argv), argv, `--${name} is ${JSON.stringify(text)}; expected `, 'for example ');
    });
    assert.ok(cases.length > 30, `${cases.length} cases`);
  });

  test('a rare mistake: what goes with what, what is missing, what is of another kind', async () => {
    const log = join(freshFolder(), 'function.log');
    const cases: readonly (readonly string[])[] = [
      ['bogus'],
      ['help', 'bogus'],
      ['timeline', base, '--jsonl', '--csv'],
      ['timeline', base, '--json', '--csv'],
      ['timeline', base, '--source', 'bogus'],
      ['timeline', base, '--since', '2025-06-30T10:00Z', '--until', '2025-06-30T09:00Z'],
      ['verify', base, '--all', '--log', '-'],
      ['report', base, '--log', '-'],
      ['verify', 'gopher://x'],
      ['verify', 's3://'],
      ['verify', 'file://host/x'],
      ['verify', '/dev/null'],
      ['show', log.replace(/function\.log$/u, '') + 'manifest.json'],
      ['salvage', base, '--log', log],
      ['salvage', '--log', log, '--to', 'x'],
      ['decrypt', base, '--to', 'x'],
      ['decrypt', base, '--identity', identity],
      ['decrypt', base, '--identity', identity, '--to', 'x'],
      ['collect', 'checkout'],
      ['collect', 'checkout', '--out', 'x', '--destination', 's3://evidence-bucket/amber'],
      ['collect', 'checkout', '--out', 'x', '--sources', 'bogus'],
      ['collect', 'checkout', '--out', 'x', '--trail', 'bogus'],
      ['collect', 'no such function', '--out', 'x'],
      ['hunt', 'checkout', '--hunts', 'bogus'],
      ['status', 'checkout', '--profile', 'bogus'],
      ['trigger', '--new-key', ''],
    ];
    writeFileSync(join(log.replace(/function\.log$/u, ''), 'manifest.json'), '{}');
    await each(cases, async (argv) => {
      if (!argv.includes('--json')) assertSentence(await run(argv), argv, 'for example ');
      if (argv[0] === 'bogus' || argv[0] === 'help') return;
      const told = JSON.parse((await run([...argv.filter((word) => word !== '--json'), '--json'])).out) as {
        error: { code: string; message: string };
      };
      assert.match(`${told.error.code} ${told.error.message}`, /^USAGE .+; .*for example /u, JSON.stringify(argv));
    });
  });

  test('more bytes than may be unpacked: what the limit is, and how to raise it', async () => {
    const { code, err } = await run([
      'pull',
      base,
      '--extract',
      '--max-bytes',
      '5',
      '--to',
      join(freshFolder(), 'out'),
    ]);
    assert.equal(code, 1);
    assert.match(
      err,
      /it was not unpacked to its end: the archive unpacks to more than 5 bytes, the most that --max-bytes allows; give more, for example --max-bytes 48GiB\.\n$/u,
    );
  });

  test('any value at any option: a documented code, no literal newline, no inner part of the program', async () => {
    const folder = freshFolder();
    const options = commands.flatMap((command) =>
      valued(command)
        .filter(([name]) => name !== 'new-key')
        .map(([name], at) => ({ command, name, at })),
    );
    // Who asks AWS waits for an answer, more than once: one value for each of their options. A nightly run draws more.
    const turns = ({ name }: Command): readonly number[] =>
      Array.from({ length: name in BESIDE ? 1 : Math.min(4, times(1)) }, (_, turn) => turn);
    const cases = options.flatMap(({ command, name, at }) =>
      turns(command).map((turn) => ({ command, name, text: GARBAGE[(at * 4 + turn) % GARBAGE.length] ?? '' })),
    );
    await each(cases, async ({ command, name, text }) => {
      const writes = name === 'to' || name === 'out' || name === 'findings' || name === 'state';
      const argv = [
        command.name,
        ...besideOf(command),
        `--${name}=${writes && text !== '' ? join(folder, 'no', 'such', `${command.name}${name}`, 'x') : text}`,
      ];
      const { code, err, out, signal } = await run(argv);
      const call = `${JSON.stringify(argv)}: ${err}${out.slice(0, 500)}`;
      assert.equal(signal, null, call);
      if (text === '') assertSentence({ code, err, out, signal, bytes: 0 }, argv, `--${name} is ""; expected `);
      assert.ok([0, 1, 2, 3].includes(code), call);
      assert.doesNotMatch(err, /undefined|\[object|NaN|\bBUG\b|^\s+at /mu, call);
      assert.ok(text.includes('\\n') || text.includes('\n') || !err.includes('\\n'), call);
      // What could not be read is named by its place: `x: not read: …`.
      if (code >= 2) assert.match(err, /^(?:.+\n)*(?:amber: [A-Z_]+: .+|.*: not read: .+)\n$/u, call);
    });
    assert.deepEqual(Object.keys(GENERAL_OPTIONS), ['json', 'help']);
    assert.ok(cases.length > 100, `${cases.length} cases`);
  });
});
