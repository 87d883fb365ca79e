/** A sandbox with the extension in it, and what it has kept. */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { buildExtension } from '../../../layer/extension/program.ts';
import { madeOnce } from '../../made-once.ts';
import { standIn } from '../../sandbox/clients.ts';
import { startPlatform, type Platform, type PlatformOptions } from '../../sandbox/platform.ts';

/** The folder of `extension.mjs`, for all test files: nobody but root may write there. */
export async function extensionFolder(): Promise<string> {
  const { folder } = await madeOnce('extension', (folder) => buildExtension(folder));
  return folder;
}

const LAUNCHER = readFileSync(resolve(import.meta.dirname, '../../../layer/extension/launcher.sh'), 'utf8');
/** What the launcher gives to Node. */
export const FLAGS: readonly string[] = /^exec "\$node" (.*) "\$home/mu.exec(LAUNCHER)?.[1]?.split(' ') ?? [];
export const LAUNCH_ENV: Readonly<Record<string, string>> = Object.fromEntries(
  [...(/^export (.*)$/mu.exec(LAUNCHER)?.[1] ?? '').matchAll(/(\w+)=(\w+)/gu)].map(([, name = '', value = '']) => [
    name,
    value,
  ]),
);

export const HANDLERS: string = resolve(import.meta.dirname, '../../sandbox/handlers');

export interface SceneOptions extends Partial<Omit<PlatformOptions, 'extensions'>> {
  /** Node of the extension; default is that of the tests, which run on both versions. */
  readonly node?: string;
  /** The function without the extension. */
  readonly alone?: boolean;
  /** Flags of that Node; default is what the launcher gives. */
  readonly flags?: readonly string[];
}

/** Starts a function of test/sandbox/handlers/lifecycle.mjs beside the extension. Captures go to a folder. */
export async function openScene(
  t: { after: (done: () => Promise<void>) => void },
  options: SceneOptions = {},
): Promise<Platform> {
  const { env, node, flags = FLAGS, alone, ...rest } = options;
  const extension = join(await extensionFolder(), 'extension.mjs');
  // The handlers lie in the checkout, which changes while the machine runs: a finding that no test here is about.
  const evidence = { AMBER_DESTINATION: 'file:///mnt/evidence', AMBER_DETECT: 'high,-code-changed' };
  const platform = await startPlatform({
    runtime: { command: [standIn.node, ...standIn.args('')], env: { LAMBDA_TASK_ROOT: HANDLERS } },
    handler: 'lifecycle.handler',
    extensions:
      alone === true
        ? []
        : [{ name: 'amber', command: [node ?? process.execPath, ...flags, extension, 'amber'], env: LAUNCH_ENV }],
    env: { ...evidence, ...env },
    ...rest,
  });
  t.after(() => platform.stop());
  return platform;
}

/** Files of a folder and below, relative to it. */
export function filesBelow(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((one) => one.isFile())
    .map((one) => join(one.parentPath, one.name))
    .sort();
}

/** Random bytes in files of `folder`, as an attacker leaves them: so many MB in 40 files. */
export function fillTmp(folder: string, mb: number): void {
  const bytes = Buffer.alloc(Math.ceil((mb * 2 ** 20) / 160) * 4);
  for (let number = 0; number < 40; number += 1) {
    for (let at = 0; at < bytes.length; at += 4) bytes.writeUInt32LE(Math.floor(Math.random() * 2 ** 32), at);
    writeFileSync(join(folder, `file-${number}`), bytes);
  }
}
