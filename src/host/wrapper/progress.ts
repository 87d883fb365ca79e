/**
 * The invocation in progress, for code that calls `capture()` without its context. An ordinary invocation is not
 * watched, so it leaves nothing but the time at which it began. The first one of a sandbox tells what is the same for
 * all of them: the timeout of the function, and whose it is. Once code has called `capture()`, every invocation is
 * noted whole.
 */
import { deadlineOf } from '../../lambda/deadline.ts';
import { invocationFacts, lambdaContext, storeInProgress, type KnownFacts } from './facts.ts';
import type { InvocationFacts } from '../../contracts/evidence.ts';
import type { SandboxState } from '../limits/state.ts';
import type { Called, Progress } from '../limits/invocation-progress.ts';

/** Why a capture has no facts of the invocation that asks for it. */
export const CANNOT_TELL =
  'several invocations run at once, and which of them calls cannot be told: give capture() its context';

/** Opens it for the sandbox, for all copies of the package in it. */
export function openProgress(state: SandboxState, env: NodeJS.ProcessEnv): Progress {
  return (state.progress ??= {
    wanted: false,
    isLearned: false,
    several: (env['AWS_LAMBDA_MAX_CONCURRENCY'] ?? '') !== '',
    startedMs: 0,
    last: undefined,
    timeoutMs: 0,
    functionArn: undefined,
    byStore: new WeakMap(),
  });
}

/** An invocation begins: true if it has to be noted. */
export function begun(progress: Progress): boolean {
  progress.startedMs = Date.now();
  progress.last = undefined;
  return progress.wanted || progress.several || !progress.isLearned;
}

/** Never throws: a context may be anything. */
export function note(progress: Progress, called: Called): void {
  progress.last = called;
  progress.isLearned = true;
  const context = lambdaContext(called.context);
  const leftMs = (deadlineOf(context, progress.startedMs) ?? 0) - progress.startedMs;
  // An invocation that begins a life anew has less: the longest is what the function has.
  progress.timeoutMs = Math.max(progress.timeoutMs, leftMs);
  progress.functionArn =
    invocationFacts({ context, deadlineMs: undefined, number: 0, concurrent: 0 }).functionArn ?? progress.functionArn;
  const store = progress.several ? storeInProgress() : undefined;
  if (store !== undefined) progress.byStore.set(store, called);
}

/** What `capture()` knows of the invocation that calls it. */
export type Borrowed = { readonly facts: InvocationFacts | undefined } | { readonly cannotTell: true };

/** @param known - what belongs to the facts beside the invocation itself. */
export function borrow(
  state: SandboxState,
  known: Pick<KnownFacts, 'number' | 'concurrent'>,
  { includeEvent }: { readonly includeEvent: boolean },
): Borrowed {
  const { progress } = state;
  if (progress === undefined || state.invocations === 0) return { facts: undefined };
  progress.wanted = true;
  const several = progress.several || state.inFlight > 1;
  const store = several ? storeInProgress() : undefined;
  const called = several ? progress.byStore.get(store ?? {}) : progress.last;
  if (called === undefined && several) return { cannotTell: true };
  const deadlineMs = called === undefined ? computed(progress) : deadlineOf(lambdaContext(called.context));
  const facts = invocationFacts({
    ...known,
    context: called?.context,
    deadlineMs: ahead(deadlineMs),
    number: called?.number ?? known.number,
    ...(includeEvent && called !== undefined ? { event: called.event } : {}),
  });
  return { facts: { ...facts, functionArn: facts.functionArn ?? progress.functionArn } };
}

function computed({ startedMs, timeoutMs }: Progress): number | undefined {
  return timeoutMs === 0 ? undefined : startedMs + timeoutMs;
}

/** The deadline of an invocation that has ended binds nobody. */
function ahead(deadlineMs: number | undefined): number | undefined {
  return deadlineMs === undefined || deadlineMs <= Date.now() ? undefined : deadlineMs;
}
