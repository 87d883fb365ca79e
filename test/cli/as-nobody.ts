/** The built command as a user who may not read everything, as root may. */
import { spawn } from 'node:child_process';
import { chmodSync, mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { freshFolder } from '../case/captures.ts';
import { COMMAND, type Ran } from './program.ts';

const NOBODY = 65_534;

export async function asNobody(argv: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<Ran> {
  const cwd = join(freshFolder(), 'cwd');
  mkdirSync(cwd);
  for (const path of [join(cwd, '..'), cwd]) chmodSync(path, 0o777);
  const child = spawn(process.execPath, [COMMAND, ...argv], {
    cwd,
    env: { PATH: '/usr/bin:/bin', HOME: '/nonexistent', AWS_EC2_METADATA_DISABLED: 'true', TMPDIR: cwd, ...env },
    ...(process.getuid?.() === 0 ? { uid: NOBODY, gid: NOBODY } : {}),
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const said = { out: '', err: '' };
  child.stdout.setEncoding('utf8').on('data', (text: string) => (said.out += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (said.err += text));
  return { code: await new Promise<number>((done) => child.once('close', (code) => done(code ?? -1))), ...said };
}

/** Everybody may read it. */
export function openToAll(folder: string): void {
  chmodSync(folder, 0o755);
  for (const entry of readdirSync(folder, { withFileTypes: true }))
    if (entry.isDirectory()) openToAll(join(folder, entry.name));
    else chmodSync(join(folder, entry.name), 0o644);
}
