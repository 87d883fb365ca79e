#!/usr/bin/env node
/** `amber COMMAND …`: finds the command, reads its options, turns what it throws into one line and an exit code. */
import { existsSync, realpathSync, writeSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { AmberError, describeError, isAmberError, systemCode, type AmberErrorCode } from '../errors.ts';
import { VERSION } from '../version.ts';
import { GENERAL_OPTIONS, type Command, type CommandOptions } from './command.ts';
import { COMMANDS } from './index.ts';
import { openOutput, table, type Output, type Streams } from './output.ts';
import { exampleCall, typed, withExample } from './usage.ts';

/** Exit codes. */
export const EXIT = { ok: 0, problem: 1, usage: 2, unreachable: 3 } as const;

const USAGE: ReadonlySet<AmberErrorCode> = new Set([
  'USAGE',
  'CONFIG_INVALID',
  'IDENTITY_INVALID',
  'RECIPIENT_INVALID',
  'CASE_EXISTS',
]);
const UNREACHABLE = /^(?:CASE_MISSING|CASE_DENIED|CASE_UNREADABLE|DESTINATION_\w+|ACQUIRE_\w+)$/u;

/** Runs one command line, without the interpreter and the script. Resolves to the exit code; never rejects. */
export async function main(argv: readonly string[], streams: Streams): Promise<number> {
  const json = argv.includes('--json');
  const out = openOutput(streams, { wantsJson: json });
  try {
    return await dispatch(argv, out);
  } catch (cause) {
    const error = isAmberError(cause)
      ? cause
      : (systemError(cause) ?? new AmberError('BUG', describeError(cause), { cause }));
    const shown = await withoutSecrets(argv, error);
    if (json) out.json({ error: { code: error.code, ...shown } });
    else out.note(`amber: ${error.code}: ${shown.message}`);
    if (USAGE.has(error.code)) return EXIT.usage;
    return UNREACHABLE.test(error.code) ? EXIT.unreachable : EXIT.problem;
  }
}

/** What the file system refuses is no fault of the command: a full disk, a folder that may not be written. */
const OF_THE_SYSTEM: ReadonlySet<string> = new Set([
  'ENOSPC',
  'EDQUOT',
  'EROFS',
  'EACCES',
  'EPERM',
  'EIO',
  'ENOTDIR',
  'ENAMETOOLONG',
  'EFBIG',
  'EMFILE',
  'ENFILE',
]);

function systemError(cause: unknown): AmberError | undefined {
  const code = systemCode(cause);
  if (code === undefined || !OF_THE_SYSTEM.has(code)) return undefined;
  const path =
    typeof cause === 'object' && cause !== null && 'path' in cause && typeof cause.path === 'string'
      ? ` of ${JSON.stringify(cause.path)}`
      : '';
  const why =
    code === 'ENOSPC' || code === 'EDQUOT'
      ? 'no space is left; free some, or write elsewhere (TMPDIR names the folder for temporary files)'
      : 'see its owner, mode and file system';
  return new AmberError('DESTINATION_FAILED', `Reading or writing${path} failed (${code}): ${why}.`, { cause });
}

/** Errors quote what was typed, and that may be a key in the wrong place (`--identity AGE-SECRET-KEY-1…`). */
async function withoutSecrets(
  argv: readonly string[],
  { message, details }: AmberError,
): Promise<{ message: string; details: unknown }> {
  const { createRedactor } = await import('../secrets/redactor.ts');
  const redactor = createRedactor();
  redactor.bytes(Buffer.from(argv.join('\0')), 'cmdline');
  return { message: redactor.text(message).value, details: redactor.json(details).value };
}

async function dispatch(argv: readonly string[], out: Output): Promise<number> {
  const [name, ...rest] = argv;
  if (name === '--version' || name === '-V') {
    out.line(VERSION);
    out.json({ version: VERSION });
    return EXIT.ok;
  }
  if (name === undefined || name === '--help' || name === '-h' || name === 'help') {
    const wanted = name === 'help' ? rest.find((word) => !word.startsWith('-')) : undefined;
    if (wanted !== undefined) await help(await commandNamed(wanted), out);
    else await overview(out);
    return name === undefined ? EXIT.usage : EXIT.ok;
  }
  const command = await commandNamed(name);
  const { positionals, values } = typed(command, { ...command.options, ...GENERAL_OPTIONS }, rest);
  if (values['help'] === true) {
    await help(command, out);
    return EXIT.ok;
  }
  const example = exampleCall(command);
  try {
    return await command.run({ positionals, values, out, example });
  } catch (cause) {
    throw isAmberError(cause) ? withExample(cause, example) : cause;
  }
}

async function commandNamed(name: string): Promise<Command> {
  const load = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
  if (load !== undefined) return load();
  const near = Object.keys(COMMANDS).find((known) => known.startsWith(name.slice(0, 3)));
  throw new AmberError(
    'USAGE',
    `There is no command ${JSON.stringify(name)}; expected one of ${Object.keys(COMMANDS).join(', ')}, for ` +
      `example amber ${near ?? 'captures'} --help.`,
  );
}

async function overview(out: Output): Promise<void> {
  const commands = await Promise.all(Object.values(COMMANDS).map((load) => load()));
  out.json({ version: VERSION, commands: commands.map(({ name, summary, usage }) => ({ name, summary, usage })) });
  out.line(`amber ${VERSION}: what a responder does with captures of Lambda execution environments\n`.trimEnd());
  out.line();
  for (const line of table(commands.map(({ name, summary }) => [`  amber ${name}`, summary]))) out.line(line);
  out.line();
  out.line(
    'A LOCATION is s3://BUCKET/PREFIX, file:///DIR or a path: of a capture, of a single segment or tarball, or of a',
  );
  out.line(
    'folder below which there is one capture. Behind it may stand the beginning of an id, where it is that of one',
  );
  out.line('capture below it. `amber COMMAND --help` tells more.');
  out.line(
    '`whole` or `cut` is the state of the commit, `complete` or `partial` that of the evidence: `amber captures ' +
      '--help`.',
  );
  out.line('Exit codes: 0 all is well, 1 a problem was found, 2 wrong usage, 3 it cannot be reached or written.');
  out.line('A shell gives 130 after Ctrl-C and 143 after SIGTERM: the command was ended, and has judged nothing.');
}

async function help(command: Command, out: Output): Promise<void> {
  const { name, summary, usage, details } = command;
  const options: CommandOptions = { ...command.options, ...GENERAL_OPTIONS };
  out.json({ name, summary, usage, details, options });
  out.line(`amber ${name} ${usage}`);
  out.line();
  for (const line of [summary, ...details.trim().split('\n')]) out.line(line);
  out.line();
  const rows = Object.entries(options).map(([option, { short, value, description }]) => [
    `  ${short === undefined ? '   ' : `-${short},`} --${option}${value === undefined ? '' : ` ${value}`}`,
    description,
  ]);
  for (const line of table(rows)) out.line(line);
  await Promise.resolve();
}

/**
 * A reader that closes the pipe early (`amber … | head`) is no error, and changes no judgement: the command goes on to
 * its exit code, and writes nothing more. What else keeps a result from being written is
 * one: a full disk is told of on standard error, where that still takes anything.
 */
function watchStream(stream: NodeJS.WriteStream, name: string): void {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') return;
    const why =
      error.code === 'ENOSPC' ? 'no space is left; free some, or write elsewhere' : 'see what it is connected to';
    try {
      writeSync(2, `amber: DESTINATION_FAILED: Writing ${name} failed (${error.code ?? 'unknown'}): ${why}.\n`);
    } catch {
      // Standard error does not take it either: the exit code is all that is left.
    }
    process.exit(EXIT.unreachable);
  });
}

/** `import.meta.main` is younger than Node 22.15. npm installs a link to this file. */
function isMain(): boolean {
  const script = process.argv[1];
  return script !== undefined && existsSync(script) && realpathSync(script) === fileURLToPath(import.meta.url);
}

if (isMain()) {
  watchStream(process.stdout, 'standard output');
  watchStream(process.stderr, 'standard error');
  process.exitCode = await main(process.argv.slice(2), {
    stdout: process.stdout,
    stderr: process.stderr,
    env: process.env,
  });
}
