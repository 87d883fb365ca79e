/** Runs code in a Node.js process of its own, where it may patch what it likes. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/**
 * For the code: `at(path)` resolves from this folder, `collect(export, file, facts)` drives a collector, `show(value)`
 * answers.
 */
const PREAMBLE = `
const at = (path) => new URL(path, ${JSON.stringify(import.meta.url)}).href;
const collect = async (name, file, facts = {}) => {
  const { makeContext, drain } = await import(at('./context.ts'));
  const module = await import(at('../../src/collect/' + file + '.ts'));
  const { snapshotProcesses } = await import(at('../../src/proc/snapshot.ts'));
  const scene = { ...makeContext(facts), processes: () => snapshotProcesses(), ...facts.scene };
  return (await drain(module[name], scene)).map(({ entry }) => entry);
};
const show = (value) => new Promise((done) => process.stdout.write(JSON.stringify(value, (_, v) => typeof v === 'bigint' ? String(v) : v) + '\\n', done));
`;

/** The last line that the code shows (`await show(value)`), parsed. Fails with what went to standard error. */
export function runChild(code: string, ...flags: readonly string[]): unknown {
  const folder = mkdtempSync(join(tmpdir(), 'amber-child-'));
  try {
    // A file, not -e: that puts every module of Node on the global object.
    const script = join(folder, 'child.mjs');
    writeFileSync(script, PREAMBLE + code);
    const child = spawnSync(process.execPath, [...flags, script], {
      encoding: 'utf8',
      timeout: 60_000,
      maxBuffer: 2 ** 28,
    });
    const line = child.stdout.trimEnd().split('\n').at(-1) ?? '';
    if (child.status !== 0 || line === '')
      throw new Error(`child ended with ${child.status ?? child.signal}: ${child.stderr}`);
    return JSON.parse(line);
  } finally {
    rmSync(folder, { recursive: true });
  }
}
