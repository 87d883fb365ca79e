/** Asks the detectors beside a victim, as an extension would: see observer.ts. */
import { existsSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { build } from 'esbuild';
import type { Finding, Observation } from '../../src/contracts.ts';
import type { Place } from '../sandbox/lambda-root.ts';

/** What a look gave. */
export interface Looked {
  readonly findings: readonly Finding[];
  readonly failed: readonly string[];
  readonly observation: Observation;
}

let built: Promise<string> | undefined;

/** The observer as one file in a layer, built once in a process. */
async function observer(): Promise<string> {
  return (built ??= (async () => {
    const folder = mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'amber-observer-'));
    process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
    const outfile = join(folder, 'extensions/amber');
    await build({ entryPoints: [resolve('test/detection/observer.ts')], outfile, bundle: true, format: 'cjs', platform: 'node', target: 'node22.15', logLevel: 'warning' });
    return folder;
  })());
}

/** What a sandbox needs to hold the observer. */
export async function observerParts(): Promise<{ readonly layers: readonly string[]; readonly beside: NonNullable<Place['beside']> }> {
  return {
    layers: [await observer()],
    // Extensions get the platform's own address of the Runtime API.
    beside: [{ command: ['/var/lang/bin/node', '/opt/extensions/amber', '/mnt/evidence', 'high'], env: { AWS_LAMBDA_RUNTIME_API: '127.0.0.1:9001' } }],
  };
}

/** One look. Number 0 is the baseline, at the end of init. */
export async function askObserver(evidence: string, number: number, startedMs: number): Promise<Looked> {
  const question = join(evidence, '.look');
  writeFileSync(question, String(startedMs));
  renameSync(question, join(evidence, `look-${number}`));
  const answer = join(evidence, `looked-${number}.json`);
  for (let turn = 0; turn < 500; turn += 1) {
    if (existsSync(answer)) return JSON.parse(readFileSync(answer, 'utf8')) as Looked;
    await sleep(10);
  }
  throw new Error(`the observer has not answered for look ${number}`);
}
