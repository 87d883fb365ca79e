/** What the host can tell of an invocation, read from the context when a capture starts and not before. */
import type { InvocationFacts } from '../../contracts/evidence.ts';

/** What a host knows itself; the rest is asked of the context. */
export interface KnownFacts {
  /** What the handler got, if it got one. */
  readonly context: unknown;
  readonly deadlineMs: number | undefined;
  readonly number: number;
  readonly concurrent: number;
  readonly event?: unknown;
  readonly error?: unknown;
}

/** What `InvokeStore.getRequestId()` of aws-lambda-ric 4 answers outside an invocation (lambda-invoke-store). */
const NONE = '-';

/** Where aws-lambda-ric 3 keeps the id of the request in progress (src/LogPatch.js). */
const REQUEST_ID = Symbol.for('aws.lambda.runtime.requestId');

/**
 * The facts of an invocation. Contexts are made by runtimes, frameworks and tests: whatever is not a text is left out,
 * and a getter that throws leaves its fact out.
 */
export function invocationFacts(known: KnownFacts): InvocationFacts {
  const context = lambdaContext(known.context);
  return {
    requestId: text(context, 'awsRequestId') ?? requestInProgress(),
    functionArn: text(context, 'invokedFunctionArn'),
    traceId: text(context, 'xRayTraceId') ?? process.env['_X_AMZN_TRACE_ID'],
    tenantId: text(context, 'tenantId'),
    deadlineMs: known.deadlineMs,
    number: known.number,
    concurrent: known.concurrent,
    ...('event' in known ? { event: known.event } : {}),
    ...('error' in known ? { error: known.error } : {}),
  };
}

/** A durable function gets a DurableContext, which holds the one of Lambda (aws-durable-execution-sdk-js). */
export function lambdaContext(context: unknown): unknown {
  return property(context, 'lambdaContext') ?? context;
}

/** The id of the request in progress, as the runtime client keeps it for its own log lines. */
export function requestInProgress(): string | undefined {
  const store = property(property(globalThis, 'awslambda'), 'InvokeStore');
  const ask = property(store, 'getRequestId');
  try {
    const id: unknown = typeof ask === 'function' ? Reflect.apply(ask, store, []) : undefined;
    if (typeof id === 'string' && id !== NONE) return id;
  } catch {
    // A store of another making: the older place may still know.
  }
  return text(globalThis, REQUEST_ID);
}

/**
 * What aws-lambda-ric 4 keeps for the invocation that runs: one object for each, through everything that it waits for.
 */
export function storeInProgress(): object | undefined {
  const store = property(property(globalThis, 'awslambda'), 'InvokeStore');
  const ask = property(store, 'getContext');
  try {
    const found: unknown = typeof ask === 'function' ? Reflect.apply(ask, store, []) : undefined;
    return typeof found === 'object' && found !== null ? found : undefined;
  } catch {
    return undefined;
  }
}

function text(holder: unknown, key: string | symbol): string | undefined {
  const value = property(holder, key);
  return typeof value === 'string' && value !== '' ? value : undefined;
}

function property(holder: unknown, key: string | symbol): unknown {
  if (typeof holder !== 'object' || holder === null) return undefined;
  try {
    return (holder as Record<string | symbol, unknown>)[key];
  } catch {
    return undefined;
  }
}
