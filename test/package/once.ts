/** Runs a script that wraps a handler, in a process like Lambda's, and gives what it has captured. */
import { spawnSync } from 'node:child_process';
import { globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';

/** nodejs22.x runs without these two features (AWS, "Building Lambda functions with Node.js"). */
export const LAMBDA_22: readonly string[] = [
  resolve('node_modules/node-22/bin/node'),
  '--no-experimental-require-module',
  '--no-experimental-detect-module',
];
export const NODE_24: readonly string[] = [resolve('node_modules/node/bin/node')];

export interface Run {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
  /** The commit markers, as they were stored. */
  readonly captures: readonly { readonly state?: string; readonly cause?: { readonly trigger?: string } }[];
}

/** Collectors that do not look at the machine of the tests. */
const LEAN = [
  'sockets',
  'descriptors',
  'memory',
  'procfs',
  'recovered',
  'executables',
  'code',
  'writable',
  'inventory',
  'timeline',
  'findings',
]
  .map((name) => `-${name}`)
  .join();

/** Runs `file`, with `AMBER_CAPTURE=now` into a folder of its own below `home`. */
export function runOnce(
  home: string,
  node: readonly string[],
  file: string,
  env: Readonly<Record<string, string>> = {},
): Run {
  const evidence = mkdtempSync(join(home, 'evidence-'));
  const [program = '', ...flags] = node;
  const { status, stdout, stderr } = spawnSync(program, [...flags, file], {
    encoding: 'utf8',
    cwd: home,
    timeout: 120_000,
    env: {
      AWS_LAMBDA_FUNCTION_NAME: 'f',
      AWS_REGION: 'eu-central-1',
      AMBER_CAPTURE: 'now',
      AMBER_DETECT: 'off',
      AMBER_COLLECT: LEAN,
      AMBER_WRITABLE: evidence,
      AMBER_DESTINATION: pathToFileURL(evidence).href,
      ...env,
    },
  });
  const captures = globSync(`${evidence}/**/manifest.json`).map(
    (path) => JSON.parse(readFileSync(path, 'utf8')) as Run['captures'][number],
  );
  rmSync(evidence, { recursive: true });
  return { status, stdout, stderr, captures };
}

/** Writes `text` to `name` below `folder`, and gives its path. */
export function script(folder: string, name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

/** Calls the exported handler as a runtime client does, and prints its answer. */
export const INVOKE = `
const context = { awsRequestId: '6f9619ff-8b86-4011-b42d-00cf4fc964ff', invokedFunctionArn: 'arn:aws:lambda:eu-central-1:123456789012:function:f', getRemainingTimeInMillis: () => 60_000 };
const invoke = async (handler) => console.log(JSON.stringify({ answer: await handler({ a: 1 }, context) }));
`;
