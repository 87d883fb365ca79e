/** Real processes for live tests. All of them are killed when the test ends. */
import { spawn, type ChildProcess, type SpawnOptions } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { TestContext } from 'node:test';
import { snapshotProcesses, type SnapshotOptions } from '../../src/proc/snapshot.ts';
import type { ProcessRecord, ProcessTable } from '../../src/contracts/process-table.ts';

/** Starts a program and kills it at the end of the test. */
export function start(
  t: TestContext,
  program: string,
  argv: readonly string[] = [],
  options: SpawnOptions = {},
): ChildProcess {
  const child = spawn(program, argv, { stdio: 'ignore', ...options });
  t.after(() => void child.kill('SIGKILL'));
  return child;
}

/** Runs Python and waits for the first line that it prints; gives the child and the words of that line. */
export async function python(
  t: TestContext,
  script: string,
  ...argv: readonly string[]
): Promise<readonly [ChildProcess, readonly string[]]> {
  const child = start(t, 'python3', ['-c', script, ...argv], { stdio: ['ignore', 'pipe', 'inherit'] });
  const [line] = (await once(createInterface(child.stdout!), 'line')) as [string];
  return [child, line.split(' ')];
}

/** A snapshot, and the process of it that a child is. */
export async function snapshotOf(
  child: ChildProcess,
  options: SnapshotOptions = {},
): Promise<readonly [ProcessRecord, ProcessTable]> {
  const table = await snapshotProcesses(options);
  const record = table.processes.find((process) => process.pid === child.pid);
  if (record === undefined) throw new Error(`no process ${child.pid} among ${table.processes.length}`);
  return [record, table];
}

/** The text of a file that was read. */
export function fileText(record: ProcessRecord, name: string): string {
  const read = record.files.get(name);
  if (read?.ok !== true) throw new Error(`${name}: ${read === undefined ? 'not read' : read.reason}`);
  return Buffer.from(read.body).toString('latin1');
}
