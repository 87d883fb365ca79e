/** Who this is and when: the function, the sandbox, the invocation, the cause, and every clock there is. */
import type { Collector, Entry, CollectorContext } from '../contracts/evidence.ts';
import { readIdentity } from '../lambda/identity.ts';
import { latin1 } from '../proc/bytes.ts';
import { readNow } from '../proc/read.ts';
import { passive } from './passive.ts';

export const invocation: Collector = {
  name: 'invocation',
  description: 'Request ids, function identity, cause, cold or warm, boot id, clocks, the error of the handler.',
  tier: 'volatile',
  *collect(context: CollectorContext): Generator<Entry> {
    const { captureId, startedMs, cause, env, budget } = context;
    const { proc } = context.roots;
    yield {
      kind: 'json',
      path: 'live_response/invocation.json',
      source: 'runtime context',
      method: 'api',
      value: {
        captureId,
        cause,
        identity: readIdentity(env, context.invocation),
        invocation: invocationFacts(context),
        sandbox: {
          bootId: textOf(`${proc}/sys/kernel/random/boot_id`),
          pid: process.pid,
          inProcess: context.inProcess,
        },
        clocks: clocks(startedMs, textOf(`${proc}/uptime`), env['TZ']),
        budget: { remainingMs: Math.round(budget.remainingMs()), remainingBytes: budget.remainingBytes() },
      },
    };
  },
};

function invocationFacts(context: CollectorContext): Record<string, unknown> | null {
  const facts = context.invocation;
  if (facts === undefined) return null;
  const { requestId, functionArn, traceId, tenantId, deadlineMs, number, concurrent } = facts;
  return {
    requestId,
    functionArn,
    traceId,
    tenantId,
    number,
    concurrent,
    coldStart: number === 1,
    deadline: iso(deadlineMs),
    remainingMs: deadlineMs === undefined ? undefined : Math.round(deadlineMs - Date.now()),
    ...(context.config.includeEvent && 'event' in facts ? { event: passive(facts.event) } : {}),
    ...('error' in facts ? { error: passive(facts.error) } : {}),
  };
}

/** Read at one moment, so that the clocks can be set against each other. Boottime counts while a sandbox is frozen. */
function clocks(startedMs: number, uptime: string | undefined, timeZone: string | undefined): Record<string, unknown> {
  const [monotonicNs, wallMs] = [process.hrtime.bigint(), Date.now()];
  return {
    captureStarted: iso(startedMs),
    wall: iso(wallMs),
    wallMs,
    monotonicNs: monotonicNs.toString(),
    boottimeSeconds: uptime === undefined ? undefined : Number.parseFloat(uptime),
    processUptimeSeconds: process.uptime(),
    timeOriginMs: performance.timeOrigin,
    timeZone,
  };
}

function iso(ms: number | undefined): string | undefined {
  const date = new Date(ms ?? Number.NaN);
  return Number.isNaN(date.getTime()) ? undefined : date.toISOString();
}

function textOf(path: string): string | undefined {
  const read = readNow(path, { cap: 4096, whole: true }, { left: 4096 });
  return read.ok ? latin1(read.body).trim() : undefined;
}
