/** Runs a list of invocations in one sandbox and keeps all that the client did, in a form that can be compared. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import type { Client } from './clients.ts';
import { startSandbox, type Exit, type Result, type Sandbox } from './sandbox.ts';

export const HANDLERS: string = join(import.meta.dirname, 'handlers');

export interface Script {
  readonly handler: string;
  /** One after the other; with `together`, all at once. */
  readonly events: readonly object[];
  readonly together?: boolean;
  /** What ends the process: the test, a signal, or the process itself. */
  readonly end?: 'stop' | 'SIGTERM' | 'itself';
  readonly timeoutMs?: number;
  readonly env?: Readonly<Record<string, string>>;
  /** Lets a capture that still runs come to its end. */
  readonly awaitsCapture?: boolean;
}

export interface Answer {
  readonly kind: Result['kind'];
  readonly headers: readonly string[];
  readonly body: string;
  readonly trailers: readonly string[];
  /** For events that say how long a timer is pending: whether the answer waited for it. */
  readonly waited?: boolean;
}

export interface Recording {
  /** What was posted when the function could not be initialised. */
  readonly init: Answer | undefined;
  readonly answers: readonly Answer[];
  /** Posts beyond one for each invocation, which the platform refuses. */
  readonly refused: readonly Answer[];
  readonly exit: Exit;
  readonly stdout: readonly string[];
  readonly stderr: readonly string[];
  /** Lines of Amber's own. */
  readonly amber: readonly Record<string, unknown>[];
}

/** Runs the script under this client. */
export async function record(client: Client, script: Script): Promise<Recording> {
  const { handler, timeoutMs = 3000, env = {} } = script;
  const sandbox = await startSandbox({ client, handler, taskRoot: HANDLERS, timeoutMs, env });
  let exit: Exit;
  const results: Result[] = [];
  try {
    const ready = await sandbox.ready();
    if (ready === 'ready') results.push(...(await run(sandbox, script)));
    if (script.awaitsCapture === true) await captured(sandbox);
  } finally {
    exit = await end(sandbox, script.end ?? 'stop');
  }
  const { posts } = sandbox.api;
  const init = posts.find(({ kind }) => kind === 'init-error');
  const lines = sandbox.stdout().split('\n');
  const own = (line: string): boolean => line.startsWith('{"amber":');
  const log = lines.filter((line) => !own(line)).map(normal);
  return {
    init: init === undefined ? undefined : answerOf({ ...init, kind: 'error', tookMs: 0 }, {}),
    answers: results.map((result, at) => answerOf(result, script.events[at] ?? {})),
    refused: posts.filter(({ accepted }) => !accepted).map((post) => answerOf({ ...post, kind: 'error', tookMs: 0 }, {})),
    exit,
    stdout: script.together === true ? log.sort() : log,
    stderr: sandbox.stderr().split('\n').map(normal),
    amber: lines.filter(own).map((line) => JSON.parse(line) as Record<string, unknown>),
  };
}

async function run(sandbox: Sandbox, { events, together }: Script): Promise<Result[]> {
  if (together === true) return Promise.all(events.map(async (event) => sandbox.invoke(event)));
  const results: Result[] = [];
  for (const event of events) {
    results.push(await sandbox.invoke(event));
    if ('afterwards' in event) await new Promise((resolve) => setTimeout(resolve, 80));
  }
  return results;
}

async function captured(sandbox: Sandbox): Promise<void> {
  const untilMs = Date.now() + 10_000;
  while (!sandbox.stdout().includes('{"amber":"capture"') && Date.now() < untilMs) await new Promise((resolve) => setTimeout(resolve, 20));
}

async function end(sandbox: Sandbox, how: 'stop' | 'SIGTERM' | 'itself'): Promise<Exit> {
  if (how === 'SIGTERM') sandbox.signal('SIGTERM');
  if (how !== 'stop') {
    const late = new Promise<undefined>((resolve) => setTimeout(resolve, 2000, undefined).unref());
    await Promise.race([sandbox.exited, late]);
  }
  return sandbox.stop();
}

function answerOf(result: Result, event: object): Answer {
  const { pending } = event as { pending?: number };
  const waited = pending === undefined ? {} : { waited: result.tookMs >= pending * 0.9 };
  if (!('body' in result)) return { kind: result.kind, headers: [], body: '', trailers: [], ...waited };
  return {
    kind: result.kind, headers: lengths(result.headers, result.body.length).map(normal), body: normal(result.body.toString('utf8')),
    trailers: result.trailers.map(decoded).map(normal), ...waited,
  };
}

/** The error of a stream that had begun stands in a trailer, in Base64. */
function decoded(value: string): string {
  return value.startsWith('eyJ') ? Buffer.from(value, 'base64').toString() : value;
}

/** Whether the length is right, in place of the length: stacks that are compared without a part of them differ in it. */
function lengths(headers: readonly string[], bytes: number): string[] {
  return headers.map((value, at) => (headers[at - 1]?.toLowerCase() === 'content-length' && at % 2 === 1 && value === String(bytes) ? '<right>' : value));
}

/** Without what differs between two runs of the same thing: ids, times, ports, process ids, and which module exports it. */
function normal(text: string): string {
  return text
    .replaceAll(/[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}/gu, '<id>')
    .replaceAll(/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z/gu, '<time>')
    .replaceAll(/127\.0\.0\.1:\d+/gu, '<address>')
    .replaceAll(/\(node:\d+\)/gu, '(node:<pid>)')
    .replaceAll(/\[\d{13}\]/gu, '[<time>]')
    .replaceAll(/\b(?:amber|plain)\.handlers\.\w+/gu, '<handler>')
    // V8 names a function by the property that holds that very function; here the property holds the wrapper.
    .replaceAll(' [as handler]', '')
    .replaceAll(/\b(Runtime|[A-Z][a-z]*InvokeProcessor|Processor)\.handler(?= \(|")/gu, '$1.<anonymous>');
}

/**
 * The same recording without the frames of the wrapper. While a trigger
 * watches there is one such frame in the stack of what is thrown before the handler first waits.
 */
export function withoutFrames(recording: Recording): Recording {
  const answer = (given: Answer): Answer => {
    if (given.kind !== 'error') return { ...given, trailers: given.trailers.map(trailer) };
    const body = JSON.parse(given.body) as { trace?: string[] };
    const framed = (body.trace ?? []).flatMap((line, at) => (line.includes(OWN_FRAME) ? [at - 1] : []));
    const trace = body.trace?.filter((line) => !line.includes(OWN_FRAME));
    return { ...given, body: JSON.stringify({ ...body, trace }), headers: headers(given.headers, framed) };
  };
  const cut = (line: string): string => line.replaceAll(OWN_FRAMES, '');
  return {
    ...recording,
    init: recording.init === undefined ? undefined : answer(recording.init),
    answers: recording.answers.map(answer),
    refused: recording.refused.map(answer),
    stdout: recording.stdout.map(cut),
    stderr: recording.stderr.filter((line) => !line.includes(OWN_FRAME)).map(cut),
  };
}

const OWN_FRAME = '/src/host/';
/** In log lines: as an element of a JSON list of frames, or between carriage returns. */
const OWN_FRAMES = /,"\s+at [^"]*\/src\/host\/[^"]*"|\r\s+at [^\r]*\/src\/host\/[^\r]*/gu;

/** X-Ray's form of the stack: the frames stand in the same order. */
function headers(all: readonly string[], framed: readonly number[]): readonly string[] {
  return all.map((value, at) => {
    const name = (at % 2 === 1 ? all[at - 1] : '')?.toLowerCase();
    if (name !== 'lambda-runtime-function-xray-error-cause' || value === '') return value;
    const cause = JSON.parse(value) as { exceptions: { stack: unknown[] }[]; paths: string[] };
    const [exception] = cause.exceptions;
    assert.ok(exception);
    exception.stack = exception.stack.filter((_, frame) => !framed.includes(frame));
    cause.paths = cause.paths.filter((path) => !path.includes(OWN_FRAME));
    return JSON.stringify(cause);
  });
}

function trailer(value: string): string {
  if (!value.startsWith('{')) return value;
  const body = JSON.parse(value) as { trace: string[] };
  return JSON.stringify({ ...body, trace: body.trace.filter((line) => !line.includes(OWN_FRAME)) });
}
