import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { invocation } from '../../src/collect/invocation.ts';
import type { InvocationFacts, CollectorContext } from '../../src/contracts/evidence.ts';
import { drain, makeContext } from './context.ts';

interface Facts {
  identity: Record<string, unknown>;
  invocation: Record<string, unknown> | null;
  sandbox: Record<string, unknown>;
  clocks: Record<string, number | string>;
  cause: unknown;
}

async function collect(context: CollectorContext): Promise<Facts> {
  const entries = await drain(invocation, context);
  assert.equal(entries.length, 1);
  const entry = entries[0]?.entry;
  assert.ok(entry?.kind === 'json');
  assert.equal(entry.path, 'live_response/invocation.json');
  return entry.value as Facts;
}

const FACTS: InvocationFacts = {
  requestId: 'req-1',
  functionArn: 'arn:aws:lambda:eu-central-1:111122223333:function:orders',
  traceId: 'Root=1-2-3',
  tenantId: undefined,
  deadlineMs: Date.now() + 60_000,
  number: 1,
  concurrent: 0,
  event: { password: 'x' },
};

test('it names the sandbox and reads every clock', async () => {
  const env = {
    AWS_ACCESS_KEY_ID: 'ASIAQQQQQQQQQQQQQQQQ',
    AWS_SECRET_ACCESS_KEY: 'never',
    AWS_LAMBDA_INITIALIZATION_TYPE: 'on-demand',
    TZ: ':UTC',
  };
  const value = await collect({ ...makeContext({}), env, invocation: FACTS });
  assert.equal(value.identity['account'], '111122223333');
  assert.equal(value.identity['accessKeyId'], 'ASIAQQQQQQQQQQQQQQQQ');
  assert.equal(value.sandbox['bootId'], readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim());
  assert.equal(value.invocation?.['requestId'], 'req-1');
  assert.equal(value.invocation['coldStart'], true);
  assert.ok(Number(value.invocation['remainingMs']) > 50_000);
  const { wallMs, monotonicNs, boottimeSeconds, timeZone } = value.clocks;
  assert.ok(Math.abs(Number(wallMs) - Date.now()) < 5_000);
  assert.ok(
    Math.abs(Number(BigInt(monotonicNs!) / 1_000_000_000n) - Number(process.hrtime.bigint() / 1_000_000_000n)) < 5,
  );
  assert.ok(Math.abs(Number(boottimeSeconds) - Number(readFileSync('/proc/uptime', 'utf8').split(' ')[0])) < 5);
  assert.equal(timeZone, ':UTC');
  assert.doesNotMatch(JSON.stringify(value), /never/u);
});

test('the event is there when it was asked for, the error whenever there is one', async () => {
  const without = await collect({ ...makeContext({}), invocation: FACTS });
  assert.equal(without.invocation?.['event'], undefined);
  const error = Object.assign(new Error('upstream said no'), { request: { headers: { authorization: 'Bearer abc' } } });
  const context = makeContext({ options: { includeEvent: true } });
  const facts = await collect({ ...context, invocation: { ...FACTS, number: 7, error } });
  assert.deepEqual(facts.invocation?.['event'], { password: 'x' });
  assert.equal(facts.invocation['coldStart'], false);
  const plain = facts.invocation['error'] as { message: string; request: unknown };
  assert.equal(plain.message, 'upstream said no');
  assert.deepEqual(plain.request, { headers: { authorization: 'Bearer abc' } });
});

test('outside an invocation, and with a deadline that is no time, it still answers', async () => {
  assert.equal((await collect(makeContext({}))).invocation, null);
  const odd = await collect({ ...makeContext({}), invocation: { ...FACTS, deadlineMs: Infinity } });
  assert.equal(odd.invocation?.['deadline'], undefined);
  const elsewhere = makeContext({});
  const nothing = await collect({ ...elsewhere, roots: { ...elsewhere.roots, proc: '/nowhere' } });
  assert.equal(nothing.sandbox['bootId'], undefined);
});
