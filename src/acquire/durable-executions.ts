import type { Execution, Lambda, ListDurableExecutionsByFunctionCommandOutput } from '@aws-sdk/client-lambda';
import type { Entry } from '../contracts/evidence.ts';
import { pages, plain } from './ask.ts';
import type { AcquireContext, Source, Target } from './contracts.ts';
import { absentEntry } from './error-class.ts';
import { component } from './paths.ts';

/** Executions and their histories that one collection takes; more are counted. */
const MAX_EXECUTIONS = 1000;
const MAX_EVENTS = 20_000;
/** Rows of one entry. */
const ROWS = 2000;

/** Executions of durable functions: every step with what went in and came out. Nothing is stopped. */
export const durableExecutions: Source = {
  name: 'durable-executions',
  description: 'Durable executions of the window with the history of their steps, inputs and results included.',
  lane: 'control-plane',
  actions: ['lambda:ListDurableExecutionsByFunction', 'lambda:GetDurableExecutionHistory'],
  acquire,
};

async function* acquire(target: Target, context: AcquireContext): AsyncGenerator<Entry> {
  if (!target.versions.some((version) => version.DurableConfig !== undefined)) return; // no durable function
  const lambda = await context.aws.lambda();
  const asked = {
    path: 'control_plane/durable_executions.jsonl',
    call: `lambda:ListDurableExecutionsByFunction ${target.askedAs}`,
  };
  const executions: Execution[] = [];
  let more = 0;
  try {
    const next = (Marker: string | undefined): Promise<ListDurableExecutionsByFunctionCommandOutput> =>
      lambda.listDurableExecutionsByFunction({
        FunctionName: target.askedAs,
        StartedAfter: new Date(target.sinceMs),
        StartedBefore: new Date(target.untilMs),
        Marker,
      });
    for await (const page of pages(next, (one) => one.NextMarker)) {
      const found = page.DurableExecutions ?? [];
      const room = MAX_EXECUTIONS - executions.length;
      executions.push(...found.slice(0, room));
      more += Math.max(0, found.length - room);
    }
  } catch (error) {
    yield absentEntry(asked, error);
    return;
  }
  yield {
    kind: 'jsonl',
    path: asked.path,
    source: asked.call,
    method: 'api',
    rows: executions.map(plain),
    notes: () => ({ notTaken: more }),
  };
  for (const execution of executions) yield* history(lambda, execution, context);
}

async function* history(
  lambda: Lambda,
  { DurableExecutionArn, DurableExecutionName }: Execution,
  context: AcquireContext,
): AsyncGenerator<Entry> {
  // …:function:NAME:VERSION/durable-execution/EXECUTION/ID
  const id = (DurableExecutionArn ?? '').split('/').at(-1) ?? '';
  const stem = `control_plane/durable_executions/${component(`${DurableExecutionName ?? 'unnamed'}-${id}`)}`;
  const asked = { path: `${stem}-0000.jsonl`, call: `lambda:GetDurableExecutionHistory ${DurableExecutionArn ?? ''}` };
  if (context.ledger.done(asked.path)) return;
  let rows: unknown[] = [];
  let part = 0;
  let events = 0;
  const entry = (): Entry => ({
    kind: 'jsonl',
    path: `${stem}-${String(part++).padStart(4, '0')}.jsonl`,
    source: asked.call,
    method: 'api',
    rows,
  });
  try {
    for await (const page of pages(
      (Marker) => lambda.getDurableExecutionHistory({ DurableExecutionArn, IncludeExecutionData: true, Marker }),
      (one) => one.NextMarker,
    )) {
      rows.push(...(page.Events ?? []).map(plain));
      events += page.Events?.length ?? 0;
      if (rows.length >= ROWS) {
        yield entry();
        rows = [];
      }
      if (events >= MAX_EVENTS) break;
    }
    if (rows.length > 0 || part === 0) yield entry();
    if (events >= MAX_EVENTS)
      yield {
        kind: 'absent',
        path: `${stem}-rest`,
        source: asked.call,
        method: 'api',
        outcome: 'skipped',
        reason: `the history has more than ${MAX_EVENTS} events`,
      };
  } catch (error) {
    yield absentEntry(asked, error);
  }
}
