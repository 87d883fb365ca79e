/** Somebody with the uid of the function, or in its process, goes for the capture while it runs. */
import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { globSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { after, before, describe, test } from 'node:test';
import { openLocal } from '../../../src/case/store/open.ts';
import { salvage } from '../../../src/case/salvage/salvage.ts';
import type { SalvageRecord } from '../../../src/case/salvage/contents.ts';
import { verifyCapture } from '../../../src/case/verify/verify.ts';
import { linesOf, type SegmentLine } from '../faults/judge.ts';
import { plantScene, type PlantedScene } from '../faults/scene.ts';
import type { Attack, Job } from './victim.ts';

const VICTIM = new URL('victim.ts', import.meta.url).pathname;
const MAX_MS = 20_000;

interface Ended {
  readonly log: string;
  /** What the handler gave; undefined where the process was killed before. */
  readonly handler: { readonly right: boolean; readonly tookMs: number } | undefined;
  readonly signal: string | null;
  /** Folder of the capture, where there is one. */
  readonly folder: string | undefined;
}

describe('a capture in a process that is not its own', { timeout: 120_000 }, () => {
  const base = mkdtempSync(join(tmpdir(), 'amber-victim-'));
  let scene: PlantedScene;
  let runs = 0;
  before(() => (scene = plantScene()));
  after(() => {
    scene.remove();
    rmSync(base, { recursive: true, force: true });
  });

  async function run(
    attack: Attack,
    maxMs = MAX_MS,
    act: (child: ChildProcess, line: string) => void = () => undefined,
  ): Promise<Ended> {
    const target = join(base, String(runs++));
    mkdirSync(target);
    const { writable, code } = scene.roots;
    const job: Job = {
      attack,
      options: {
        destination: pathToFileURL(target).href,
        maxMs,
        writable,
        code,
        segmentBytes: '64KiB',
        collect: '-runtime,-procfs,-memory',
      },
    };
    const child = spawn(process.execPath, [VICTIM, JSON.stringify(job)], { stdio: ['ignore', 'pipe', 'pipe'] });
    let log = '';
    let told = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      log += text;
      act(child, text);
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => (told += text));
    const signal = await new Promise<string | null>((resolve) => child.once('close', (_, name) => resolve(name)));
    const answer = /^\{"right".*$/mu.exec(told)?.[0];
    assert.ok(signal !== null || answer !== undefined, told);
    const [part] = globSync(`${target}/**/capture*.tar.zst`);
    return {
      log,
      signal,
      handler: answer === undefined ? undefined : (JSON.parse(answer) as Ended['handler']),
      folder: part === undefined ? undefined : dirname(part),
    };
  }

  async function assertVerified({ folder, handler }: Ended): Promise<void> {
    assert.equal(handler?.right, true);
    assert.ok(folder !== undefined);
    const { verdict, summary } = await verifyCapture(await openLocal(folder));
    assert.equal(verdict, 'verified', summary);
  }

  test('its environment is changed after the handler was wrapped: nothing of it counts', async () => {
    const ended = await run('environment');
    await assertVerified(ended);
    assert.equal(linesOf<{ state: string }>(ended.log, 'capture')[0]?.state, 'whole');
  });

  test('its standard output is closed: the capture lands all the same', async () => {
    const ended = await run('stdout');
    await assertVerified(ended);
    assert.equal(ended.log, '');
  });

  for (const attack of ['arrays', 'json', 'buffers'] as const) {
    test(`its built-ins are replaced (${attack}): the handler does not notice, and the log says that something is wrong`, async () => {
      const { handler, log } = await run(attack);
      assert.equal(handler?.right, true);
      assert.ok(handler.tookMs < MAX_MS, String(handler.tookMs));
      assert.match(log, /"amber":"fault"/u);
    });
  }

  test('it is killed: what was acknowledged is there and reads', async () => {
    let acknowledged = 0;
    const ended = await run('nothing', MAX_MS, (child, text) => {
      acknowledged += linesOf<SegmentLine>(text, 'segment').length;
      if (acknowledged > 0) child.kill('SIGKILL');
    });
    assert.equal(ended.signal, 'SIGKILL');
    assert.ok(ended.folder !== undefined);
    const lines = linesOf<SegmentLine & { bytes: number }>(ended.log, 'segment');
    const records: SalvageRecord[] = [];
    const capture = await openLocal(ended.folder);
    await salvage(capture, { onRecord: (record) => records.push(record) });
    assert.ok((capture.parts[0]?.bytes ?? 0) >= lines.reduce((sum, { bytes }) => sum + bytes, 0));
    assert.ok(
      records.some(({ path, state }) => path === 'capture.json' && state === 'whole'),
      JSON.stringify(records.slice(0, 5)),
    );
  });

  test('it is stopped past its time and goes on: it ends at once, in order, and the handler gives its result', async () => {
    let continued = 0;
    const limitMs = 4000;
    const ended = await run('nothing', limitMs, (child, text) => {
      if (continued > 0 || !text.includes('"state":"stored"')) return;
      continued = performance.now() + limitMs;
      child.kill('SIGSTOP');
      setTimeout(() => child.kill('SIGCONT'), limitMs);
    });
    assert.equal(ended.handler?.right, true);
    assert.ok(continued > 0 && performance.now() - continued < 3000);
    const [end] = linesOf<{ state: string }>(ended.log, 'capture');
    assert.ok(end !== undefined && ['cut', 'whole'].includes(end.state), ended.log);
    assert.ok(ended.folder !== undefined);
    const { verdict } = await verifyCapture(await openLocal(ended.folder));
    assert.equal(verdict, end.state === 'whole' ? 'verified' : 'cut');
  });
});
