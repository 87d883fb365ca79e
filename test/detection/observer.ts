/**
 * Stands for the extension where only its detectors are asked: looks when it is told to, and writes down what it has found.
 * Bundled by look.ts and run in the sandbox, as an extension is.
 *
 *     amber FOLDER POLICY     FOLDER/look-N asks for look N and says when its invocation began; FOLDER/looked-N.json is what it found
 */
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { readPolicy } from '../../src/config-detect.ts';
import { judge } from '../../src/detect/judge.ts';
import { openLookout } from '../../src/detect/observe.ts';

const [folder = '', text = 'high'] = process.argv.slice(2);
const lookout = openLookout({ by: 'extension', roots: { proc: '/proc', writable: ['/tmp', '/dev/shm'], code: ['/var/task', '/opt', '/var/runtime'], etc: '/etc' } });

void watch();

async function watch(): Promise<void> {
  const policy = readPolicy(text);
  if (typeof policy === 'string') throw new Error(policy);
  let baseline: Awaited<ReturnType<typeof lookout.look>> | undefined;
  for (let number = 0; number < 1000; number += 1) {
    while (!existsSync(`${folder}/look-${number}`)) await sleep(10);
    const now = await lookout.look({ number, startedMs: Number(readFileSync(`${folder}/look-${number}`, 'utf8')) });
    baseline ??= now;
    const { findings, failed } = judge(now, baseline, policy);
    writeFileSync(`${folder}/.looked`, JSON.stringify({ findings, failed: failed.map(({ detector, error }) => `${detector}: ${String(error)}`), observation: now }));
    renameSync(`${folder}/.looked`, `${folder}/looked-${number}.json`);
  }
}
