/**
 * The probe of examples/probe, function and extension, in the local sandbox: what it prints, through a timeout and to
 * the end.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { test } from 'node:test';
import { ensureClient, ric4, STARTS_BOTH } from '../sandbox/clients.ts';
import { canIsolate } from '../sandbox/ground.ts';
import { startPlatform } from '../sandbox/platform.ts';

const PROBE = resolve('examples/probe');

interface Look {
  readonly probe: string;
  readonly me: { readonly pid: number; readonly uid: number; readonly CapEff: string; readonly NoNewPrivs: string };
  readonly hardening: Readonly<Record<string, unknown>>;
  readonly processes: readonly { readonly pid: number; readonly mem: unknown; readonly environ: unknown }[];
  readonly programs: { readonly has: readonly string[]; readonly hasNot: readonly string[] };
  readonly tcp: { readonly readMs: number; readonly sockets: number; readonly hashEntries: unknown };
}

interface Shutdown {
  readonly sandbox: string;
  readonly reason: string;
  readonly grantedMs: number;
  readonly survivedMs: number;
  readonly cpuMs: number;
  readonly cpuShare: number;
  readonly sinceInvokeMs: number;
  readonly sinceChangeMs?: number;
  readonly runtimesLeft: number;
}

interface Document {
  readonly function: Look & { readonly extension: { readonly before: Shutdown | null } };
  readonly extension: Look;
  readonly shutdowns: readonly Shutdown[];
}

function collect(input: string, ...args: readonly string[]): Document {
  const { status, stdout, stderr } = spawnSync(process.execPath, [join(PROBE, 'collect.mjs'), ...args], {
    input,
    encoding: 'utf8',
  });
  assert.equal(status, 0, stderr);
  return JSON.parse(stdout) as Document;
}

test("one document: the function's view, the extension's, and what two shutdowns left", {
  skip: STARTS_BOTH,
}, async (t) => {
  if (!ensureClient(t, ric4)) return;
  const home = mkdtempSync(join(tmpdir(), 'amber-probe-'));
  t.after(() => rmSync(home, { recursive: true }));
  const changed = new Date().toISOString();
  const platform = await startPlatform({
    runtime: {
      command: [ric4.node, ...ric4.args('index.handler')],
      cwd: join(PROBE, 'function'),
      env: { LAMBDA_TASK_ROOT: join(PROBE, 'function') },
    },
    extensions: [{ name: 'amber-probe', command: [join(PROBE, 'layer/extensions/amber-probe')] }],
    env: {
      PROBE_LOOK: join(PROBE, 'layer/probe/look.mjs'),
      PATH: `${dirname(ric4.node)}:/usr/bin:/bin`,
      ...(canIsolate() ? {} : { PROBE_FILE: join(home, 'probe.json') }),
    },
    timeoutMs: 5000,
  });
  t.after(() => platform.stop());
  assert.equal((await platform.invoke({})).kind, 'response');
  assert.equal((await platform.invoke({ spin: true }, 1500)).kind, 'timeout');
  const again = await platform.invoke({}, 20_000);
  assert.equal(again.kind, 'response', JSON.stringify(again));
  await platform.shutdown();

  const document = collect(platform.log(), '--changed', changed);
  for (const view of [document.function, document.extension]) {
    const own = view.processes.find(({ pid }) => pid === view.me.pid);
    assert.deepEqual([own?.mem, view.me.uid], [16, platform.ground.isolated ? 993 : process.getuid?.()]);
    assert.ok(typeof view.hardening['ptraceScope'] === 'string' || typeof view.hardening['ptraceScope'] === 'object');
    assert.ok(view.programs.has.includes('bash') && view.tcp.readMs >= 0 && view.tcp.sockets >= 0);
    assert.equal(view.programs.has.length + view.programs.hasNot.length, 26);
  }
  // The extension sees the runtime, and says whether it may read it.
  const runtime = document.extension.processes.find(({ pid }) => pid === document.function.me.pid);
  assert.ok(
    runtime !== undefined &&
      (typeof runtime.mem === 'number' || typeof (runtime.mem as { error: string }).error === 'string'),
  );
  assert.equal(document.function.extension.before?.reason, 'timeout', 'what the reset left in /tmp');

  assert.deepEqual(
    document.shutdowns.map(({ reason }) => reason),
    ['timeout', 'spindown'],
  );
  assert.equal(new Set(document.shutdowns.map(({ sandbox }) => sandbox)).size, 2);
  if (platform.ground.isolated)
    assert.deepEqual(
      document.shutdowns.map(({ runtimesLeft }) => runtimesLeft),
      [0, 0],
      'the runtime is dead before SHUTDOWN is told',
    );
  for (const { grantedMs, survivedMs, cpuMs, cpuShare, sinceInvokeMs, sinceChangeMs } of document.shutdowns) {
    assert.ok(
      grantedMs > 0 && grantedMs <= 2000 && survivedMs >= 300 && cpuMs > 0 && cpuShare > 0,
      JSON.stringify(document.shutdowns),
    );
    assert.ok(sinceInvokeMs >= 0 && (sinceChangeMs ?? -1) >= sinceInvokeMs);
  }

  // The same from what `aws logs filter-log-events` prints.
  const events = platform
    .log()
    .split('\n')
    .map((message) => ({ logStreamName: 'x', message: `${message}\n` }));
  assert.deepEqual(collect(JSON.stringify({ events }), '--changed', changed), document);
  t.diagnostic(JSON.stringify(document.shutdowns));
});

test('what it prints holds no variable and no memory', async () => {
  process.env['PROBE_SECRET'] = 'a-secret-of-the-function';
  const { look } = (await import(join(PROBE, 'layer/probe/look.mjs'))) as { look: (who: string) => Look };
  const printed = JSON.stringify(look('function'));
  delete process.env['PROBE_SECRET'];
  assert.ok(!printed.includes('a-secret-of-the-function') && !printed.includes('PROBE_SECRET'));
});
