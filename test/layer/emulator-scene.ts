/** Functions with the layer on a stage, what they are asked, and what their captures have to hold. */
import assert from 'node:assert/strict';
import { chmodSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, type TestContext } from 'node:test';
import { jsonOf, type Stored } from '../host/extension/captures.ts';
import { missing } from '../peers.ts';
import { ensureClient, type Client } from '../sandbox/clients.ts';
import { requireEmulator, type Stage } from '../sandbox/emulator.ts';
import { canIsolate } from '../sandbox/ground.ts';
import { HANDLERS } from '../sandbox/record.ts';
import type { StageKind } from '../sandbox/stages.ts';
import { unpackedLayer, type Unpacked } from './unpacked.ts';
import { attach, type Way } from './ways.ts';

export let layer: Unpacked;
before(async () => {
  layer = await unpackedLayer('node');
  for (const folder of [layer.home, layer.opt]) chmodSync(folder, 0o755); // the sandbox has another uid
});
after(() => rmSync(layer.home, { recursive: true }));

interface Function {
  readonly stage: StageKind;
  readonly client: Client;
  readonly handler?: string;
  /** Folder of the function; default is that of the handlers of these tests. */
  readonly task?: string;
  /** Undefined: the function stands bare. */
  readonly way?: Way;
  /** False: the layer is not attached at all. */
  readonly attached?: boolean;
  readonly env?: Readonly<Record<string, string>>;
  readonly timeoutMs?: number;
  /** On Managed Instances, where the platform starts /var/runtime/bootstrap. */
  readonly managed?: boolean;
}

export const AMBER = { AMBER_DESTINATION: 'file:///mnt/evidence', AMBER_DETECT: 'off', AMBER_COOLDOWN_MS: '0' };

export async function open(
  t: TestContext,
  {
    stage,
    client,
    handler = 'lifecycle.handler',
    task = HANDLERS,
    way,
    attached = true,
    env,
    timeoutMs = 15_000,
    managed = false,
  }: Function,
): Promise<Stage | undefined> {
  if (stage.emulated && !requireEmulator(t)) return undefined;
  if (!canIsolate()) return void missing(t, 'root, for namespaces');
  if (!ensureClient(t, client)) return undefined;
  const front = way === undefined ? { client, handler, env: {} } : attach(way, '/opt', client, handler);
  const command = [front.client.node, ...front.client.args(front.handler)];
  const bootstrap = join(layer.home, `bootstrap-${client.generation}`);
  if (managed)
    writeFileSync(bootstrap, `#!/bin/bash\nexec ${command.map((word) => `'${word}'`).join(' ')}\n`, { mode: 0o755 });
  const platform = await stage.start({
    task,
    files: { '/var/lang/bin/node': client.node, ...(managed ? { '/var/runtime/bootstrap': bootstrap } : {}) },
    timeoutMs,
    managed,
    handler: front.handler,
    ...(attached ? { opt: layer.opt, extensions: [{ name: 'amber', command: ['/opt/extensions/amber'] }] } : {}),
    runtime: { command, cwd: '/var/task', env: { AWS_EXECUTION_ENV: client.executionEnv } },
    env: { ...(attached ? AMBER : {}), ...env, ...front.env },
  });
  t.after(() => platform.stop());
  return platform;
}

/** What a caller is told, without the frames of a stack: those of the loader are in it. */
export async function answers(platform: Stage, events: readonly object[]): Promise<unknown[]> {
  const told: unknown[] = [];
  for (const event of events) {
    const result = await platform.invoke(event);
    const text = 'body' in result ? result.body.toString() : '';
    const { trace, ...value } = (result.kind === 'error' ? JSON.parse(text) : {}) as Record<string, unknown>;
    assert.equal(Array.isArray(trace), result.kind === 'error');
    told.push([
      result.kind,
      result.kind === 'error' ? value : text,
      'errorType' in result ? result.errorType : undefined,
    ]);
    await platform.idle();
  }
  return told;
}

export const EVENTS = [
  { result: 'object' },
  { result: 'text' },
  { result: 'undefined' },
  { result: 'number' },
  { result: 'self' },
  { result: 'text', wait: 20 },
  { error: 'type' },
  { error: 'properties' },
  { error: 'string' },
  { error: 'undefined', wait: 1 },
] as const;

interface ProcessRow {
  readonly argv: readonly string[];
  readonly exe?: { readonly path: string };
}

/** A process of the real client, seen while it lived. */
export function holdsRuntime(one: Stored | undefined): void {
  assert.ok(one !== undefined);
  const { processes } = jsonOf(one, 'live_response/processes.json') as { processes: readonly ProcessRow[] };
  assert.ok(
    processes.some(
      ({ argv, exe }) => argv.some((word) => /ric[34]|managed-v3/u.test(word)) && exe?.path.endsWith('node') === true,
    ),
    JSON.stringify(processes.map(({ argv }) => argv)),
  );
}

export const triggered = (captures: readonly Stored[], trigger: string): Stored | undefined =>
  captures.find(({ manifest }) => manifest?.cause.trigger === trigger);
