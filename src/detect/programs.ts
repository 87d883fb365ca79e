/** Programs by the name of their executable: what a detector may expect of them. */
import type { BytePath, ObservedProcess } from '../contracts/evidence.ts';
import { baseName } from './places.ts';

const SHELLS: ReadonlySet<string> = new Set([
  'sh',
  'bash',
  'dash',
  'ash',
  'zsh',
  'ksh',
  'mksh',
  'fish',
  'busybox',
  'toybox',
]);
const DOWNLOADERS: ReadonlySet<string> = new Set([
  'curl',
  'wget',
  'nc',
  'ncat',
  'netcat',
  'nc.openbsd',
  'nc.traditional',
  'socat',
  'telnet',
  'tftp',
  'ftp',
  'scp',
  'ssh',
  'rsync',
  'aria2c',
  'openssl',
]);
const INTERPRETER =
  /^(?:node|nodejs|python|pypy|ruby|perl|php|java|lua|luajit|bun|deno|tclsh|guile|Rscript|dotnet|pwsh)[\d.]*(?:-\w+)?$/u;

export function isShell(exe: BytePath | undefined): boolean {
  return exe !== undefined && SHELLS.has(baseName(exe));
}

export function isDownloader(exe: BytePath | undefined): boolean {
  return exe !== undefined && DOWNLOADERS.has(baseName(exe));
}

export function isInterpreter(exe: BytePath | undefined): boolean {
  return exe !== undefined && INTERPRETER.test(baseName(exe));
}

/** `python3.12` and `python3` are one program, as are the shells. */
export function familyOf(name: string): string {
  const bare = name.replace(/^-/u, '').replace(/[\d.]+(?:-\w+)?$/u, '');
  return SHELLS.has(bare) ? 'sh' : bare === 'nodejs' ? 'node' : bare;
}

/**
 * An exec wrapper of the function's configuration that has not executed the runtime yet: on Managed Instances a look
 * may come so early.
 */
export function isWrapper({ exe, env }: Pick<ObservedProcess, 'exe' | 'env'>): boolean {
  return isShell(exe) && env?.['AWS_LAMBDA_EXEC_WRAPPER'] !== undefined;
}

/**
 * A browser that is driven from the function (Puppeteer, Playwright): a multi-process Chromium says so in its
 * arguments. An intruder who copies the arguments passes for one here; the findings on the file and the process stay.
 */
export function isDrivenBrowser({ argv }: Pick<ObservedProcess, 'argv'>): boolean {
  // What the zygote makes has all its arguments in one.
  const options = argv.length === 1 ? (argv[0]?.split(' ') ?? []) : argv;
  return (
    options.some((option) =>
      /^--(?:remote-debugging-(?:pipe|port)|type=(?:renderer|zygote|utility|gpu-process))/u.test(option),
    ) && options.some((option) => option.startsWith('--headless') || option.startsWith('--type='))
  );
}

/** The script that an interpreter runs, absolute where it can be told; undefined for `-c`, `-e` and for none. */
export function scriptOf({ argv, cwd }: Pick<ObservedProcess, 'argv' | 'cwd'>): BytePath | undefined {
  for (const argument of argv.slice(1, 16)) {
    if (/^-(?:c|e|m|r|p|-eval|-print)$/u.test(argument)) return undefined;
    if (argument.startsWith('-') || argument === '') continue;
    return argument.startsWith('/')
      ? argument
      : cwd === undefined
        ? argument
        : `${cwd}/${argument.replace(/^(?:\.\/)+/u, '')}`;
  }
  return undefined;
}
