/** The anomaly monitor: what is new at each look, and what the process knows of itself. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test, type TestContext } from 'node:test';
import { policyOf } from '../../src/config/detect-policy.ts';
import { openInProcess } from '../../src/detect/in-process.ts';
import { ownFactsOf, type OwnRecords } from '../../src/detect/own.ts';
import { openMonitor } from '../../src/detect/anomaly-monitor.ts';
import { currentBuiltins } from '../../src/host/monitor/builtins.ts';

/** Not by the name that makes it see the variables of its caller. */
const evaluate: (text: string) => unknown = eval;
const INVOCATION = { number: 1, startedMs: Date.now() };

function rootsOf(t: TestContext): { proc: string; writable: readonly string[]; code: readonly string[]; etc: string } {
  const tree = mkdtempSync(join(tmpdir(), 'amber-sentry-'));
  t.after(() => rmSync(tree, { recursive: true, force: true }));
  return { proc: '/proc', writable: [tree], code: [], etc: '/nowhere' };
}

function records(): OwnRecords {
  return { env: { ...process.env }, children: [], builtins: currentBuiltins(), currentBuiltins };
}

describe('the sentry', () => {
  test('takes its first look for the baseline, and tells each thing once', async (t) => {
    const roots = rootsOf(t);
    const tree = roots.writable[0] ?? '';
    writeFileSync(join(tree, 'before'), '\x7fELF');
    const monitor = openMonitor({ by: 'extension', roots, limits: { totalMs: 60_000 }, policy: policyOf('high') });
    const mine = ({ subject }: { subject: { path?: string } }): boolean => subject.path?.startsWith(tree) === true;
    assert.deepEqual((await monitor.scan(INVOCATION)).fresh.filter(mine), []);
    // ctime and the clock of the baseline have a granularity of milliseconds.
    await new Promise((resolve) => setTimeout(resolve, 20));
    writeFileSync(join(tree, 'after'), '\x7fELF');
    assert.deepEqual(
      (await monitor.scan(INVOCATION)).fresh.filter(mine).map(({ detector, subject }) => [detector, subject.path]),
      [['staged-file', join(tree, 'after')]],
    );
    assert.deepEqual((await monitor.scan(INVOCATION)).fresh.filter(mine), []);
    const report = await monitor.report();
    const [kept, ...more] = report.findings.filter(mine);
    const { birthtimeMs, ctimeMs } = statSync(join(tree, 'after'));
    assert.deepEqual([kept?.happened?.of, more], ['file', []]);
    assert.ok(Math.abs(Date.parse(kept?.happened?.time ?? '') - (birthtimeMs > 0 ? birthtimeMs : ctimeMs)) <= 1);
    assert.equal(report.baselineMs, monitor.baseline()?.takenMs);
    assert.deepEqual(report.failed, {});
  });

  test('that was opened late knows what was there at init', async (t) => {
    const roots = rootsOf(t);
    const tree = roots.writable[0] ?? '';
    const init = { ms: Date.now(), uptimeSeconds: process.uptime(), rssBytes: process.memoryUsage.rss() };
    await new Promise((resolve) => setTimeout(resolve, 30));
    writeFileSync(join(tree, 'after'), '#!/bin/sh\n');
    const child = spawn('sh', ['-c', 'cat /proc/self/environ > /dev/null; read line'], {
      stdio: ['pipe', 'ignore', 'ignore'],
    });
    t.after(() => child.kill('SIGKILL'));
    await new Promise((resolve) => child.once('spawn', resolve));
    const monitor = openInProcess({ roots, policy: policyOf('high') }, records(), init);
    const found = (await monitor.scan(INVOCATION)).fresh;
    assert.ok(
      found.some(({ detector, subject }) => detector === 'staged-file' && subject.path === join(tree, 'after')),
    );
    assert.ok(
      found.some(
        ({ detector, subject, severity }) =>
          detector === 'shell-child' && subject.pid === child.pid && severity === 'high',
      ),
    );
  });

  test('reports without having looked before', async (t) => {
    const report = await openMonitor({ by: 'process', roots: rootsOf(t), policy: policyOf('off') }).report();
    assert.equal(report.threshold, 'off');
    assert.equal(typeof report.baselineMs, 'number');
  });
});

describe('what a process knows of itself', () => {
  test('a built-in that came from a text, one that was deployed, and one that is the old one again', async () => {
    const facts = ownFactsOf(records());
    assert.deepEqual((await facts()).patched, []);
    const { parse, stringify } = JSON;
    try {
      // As an injected payload does it: by a text.
      JSON.parse = (evaluate('(parse) => (...given) => parse(...given)') as (original: typeof parse) => typeof parse)(
        parse,
      );
      JSON.stringify = ((...given: Parameters<typeof stringify>) => stringify(...given)) as typeof stringify;
      const { patched } = await facts();
      assert.deepEqual(patched.map(({ name }) => name).sort(), ['JSON.parse', 'JSON.stringify']);
      assert.equal(patched.find(({ name }) => name === 'JSON.parse')?.script, '');
      assert.equal(patched.find(({ name }) => name === 'JSON.stringify')?.script, import.meta.url);
    } finally {
      Object.assign(JSON, { parse, stringify });
    }
    assert.deepEqual((await facts()).patched, []);
  });

  test('children that have ended, with their arguments', async () => {
    const noted = records();
    const child = spawn('true', ['one', 'two'], { stdio: 'ignore' });
    await new Promise((resolve) => child.once('exit', resolve));
    noted.children.push({ child, atMs: 5 }, { child: 'not a child', atMs: 6 });
    const { spawned } = await ownFactsOf(noted)();
    assert.deepEqual(spawned[0], { file: 'true', argv: ['true', 'one', 'two'], pid: child.pid, atMs: 5 });
    assert.equal(noted.children.length, 0);
  });

  test('only watched variables', async () => {
    const { env } = await ownFactsOf({ ...records(), env: { SECRET: 'x', NODE_OPTIONS: '--enable-source-maps' } })();
    assert.deepEqual({ ...env }, { NODE_OPTIONS: '--enable-source-maps' });
  });
});
