/**
 * /opt as the zip of the `any` layer makes it, built once in a process, and what captures of a function of any runtime
 * must hold.
 */
import assert from 'node:assert/strict';
import { chmodSync, cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { launcher } from '../../../layer/extension/parts.ts';
import { stripElf } from '../../../layer/extension/strip-elf.ts';
import { jsonOf, type Stored } from './captures.ts';
import { extensionFolder } from './sandbox.ts';

let opt: Promise<string> | undefined;

/** The launcher, the program and a Node of its own, without its symbols. */
export function anyLayer(): Promise<string> {
  return (opt ??= (async () => {
    const folder = mkdtempSync(resolve('node_modules/.cache/amber-any-'));
    process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
    chmodSync(folder, 0o755);
    const { path, bytes } = launcher('$home/node', 256);
    for (const name of ['extensions', 'amber']) mkdirSync(join(folder, name));
    writeFileSync(join(folder, path), bytes, { mode: 0o755 });
    cpSync(await extensionFolder(), join(folder, 'amber'), { recursive: true });
    writeFileSync(join(folder, 'amber/node'), stripElf(readFileSync('node_modules/node/bin/node')), { mode: 0o755 });
    return folder;
  })());
}

/** What a function of these tests says that it has left. */
export interface Left {
  readonly pid: number;
  readonly child: number;
  readonly port: number;
}

/** How the runtime is told from others. */
export interface RuntimeMarks {
  /** A word of its command line. */
  readonly argument: string;
  /** The end of the path of its executable. */
  readonly exe: RegExp;
  readonly executionEnv: string;
}

/** Process, environment, socket, file and nameless file of the function. */
export function holds(
  one: Stored | undefined,
  { pid, child, port }: Left,
  { argument, exe, executionEnv }: RuntimeMarks,
): void {
  assert.ok(one?.manifest !== undefined);
  const { processes } = jsonOf(one, 'live_response/processes.json') as {
    processes: { pid: number; argv: string[]; exe?: { path: string } }[];
  };
  const runtime = processes.find((row) => row.pid === pid);
  assert.ok(runtime?.argv.some((word) => word.includes(argument)) === true, `the runtime: ${JSON.stringify(runtime)}`);
  assert.match(runtime.exe?.path ?? '', exe);
  assert.match(one.entries.get(`[root]/proc/${pid}/cmdline`)?.toString() ?? '', new RegExp(argument, 'u'));
  assert.ok(
    processes.some((row) => row.pid === child),
    'its child',
  );
  assert.match(
    one.entries.get(`[root]/proc/${pid}/environ`)?.toString() ?? '',
    new RegExp(`AWS_EXECUTION_ENV=${executionEnv}`, 'u'),
  );
  assert.ok(JSON.stringify(jsonOf(one, 'live_response/sockets.json')).includes(String(port)), 'its socket');
  assert.equal(one.entries.get('[root]/tmp/dropped.sh')?.toString(), '#!/bin/sh\nexec sleep 1000\n');
  const nameless = [...one.entries].find(
    ([path, body]) => path.startsWith(`recovered/${pid}/`) && body.toString() === 'deleted and still open\n',
  );
  assert.ok(nameless !== undefined, [...one.entries.keys()].filter((path) => path.startsWith('recovered')).join(' '));
}
