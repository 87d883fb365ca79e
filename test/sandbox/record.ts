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
  /** Folder of the function; default is that of {@link HANDLERS}. */
  readonly taskRoot?: string;
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
  const { handler, timeoutMs = 3000, env = {}, taskRoot = HANDLERS } = script;
  const sandbox = await startSandbox({ client, handler, taskRoot, timeoutMs, env });
  let exit: Exit;
  let how = script.end ?? 'stop';
  const results: Result[] = [];
  try {
    if ((await sandbox.ready()) === 'ready') results.push(...(await run(sandbox, script)));
    else how = 'itself'; // a client that cannot load the function ends
    if (script.awaitsCapture === true) await said(sandbox, '{"amber":"capture"');
  } finally {
    exit = await end(sandbox, how);
  }
  const { posts } = sandbox.api;
  const init = posts.find(({ kind }) => kind === 'init-error');
  const lines = sandbox.stdout().split('\n');
  const own = (line: string): boolean => line.startsWith('{"amber":');
  const log = lines.filter((line) => !own(line)).map(normal);
  return {
    init: init === undefined ? undefined : answerOf({ ...init, kind: 'error', tookMs: 0 }, {}),
    answers: results.map((result, at) => answerOf(result, script.events[at] ?? {})),
    refused: posts
      .filter(({ accepted }) => !accepted)
      .map((post) => answerOf({ ...post, kind: 'error', tookMs: 0 }, {})),
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
    if ('afterwards' in event) await said(sandbox, String(event.afterwards));
  }
  return results;
}

/** Waits until the log has the text; not for ever, because the comparison tells what is missing. */
async function said(sandbox: Sandbox, text: string): Promise<void> {
  const untilMs = Date.now() + 10_000;
  while (!sandbox.stdout().includes(text) && Date.now() < untilMs)
    await new Promise((resolve) => setTimeout(resolve, 20));
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
    kind: result.kind,
    headers: lengths(result.headers, result.body.length).map(normal),
    body: normal(result.body.toString('utf8')),
    trailers: result.trailers.map(decoded).map(normal),
    ...waited,
  };
}

/** The error of a stream that had begun stands in a trailer, in Base64. */
function decoded(value: string): string {
  return value.startsWith('eyJ') ? Buffer.from(value, 'base64').toString() : value;
}

/**
 * Whether the length is right, in place of the length: stacks that are compared without a part of them differ in it.
 */
function lengths(headers: readonly string[], bytes: number): string[] {
  return headers.map((value, at) =>
    headers[at - 1]?.toLowerCase() === 'content-length' && at % 2 === 1 && value === String(bytes) ? '<right>' : value,
  );
}

/**
 * Without what differs between two runs of the same thing: ids, times, ports, process ids, and which module exports it.
 */
function normal(text: string): string {
  return (
    text
      .replaceAll(/[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}/gu, '<id>')
      .replaceAll(/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z/gu, '<time>')
      .replaceAll(/127\.0\.0\.1:\d+/gu, '<address>')
      .replaceAll(/\(node:\d+\)/gu, '(node:<pid>)')
      .replaceAll(/\[\d{13}\]/gu, '[<time>]')
      .replaceAll(/\b(?:amber|plain)\.handlers\.\w+/gu, '<handler>')
      // V8 names a function by the property that holds that very function; here the property holds the wrapper.
      .replaceAll(' [as handler]', '')
      .replaceAll(/\b(Runtime|[A-Z][a-z]*InvokeProcessor|Processor)\.handler(?= \(|")/gu, '$1.<anonymous>')
  );
}

/** Frames of Node's event loop: whether they are in a stack depends on what else became due in the same turn. */
export const LOOP = 'node:internal/(?:timers|process/task_queues)';
/** Frames of the wrapper, from its sources or as published. */
export const WRAPPER = '/src/host/|/dist/index\\.js';

/** The same recording without the stack frames at these places (a regular expression). */
export function withoutFrames(recording: Recording, places: string): Recording {
  const place = new RegExp(places, 'u');
  // In a log line: an element of a list of frames, in JSON or in JSON within JSON; or a line between carriage returns.
  const inJson = new RegExp(String.raw`,(\\*)"\s+at [^"]*?(?:${places})[^"]*?\1"`, 'gu');
  const inText = new RegExp(String.raw`\r\s+at [^\r]*(?:${places})[^\r]*`, 'gu');
  const cut = (line: string): string => line.replaceAll(inJson, '').replaceAll(inText, '');
  const answer = (given: Answer): Answer => {
    const trailers = given.trailers.map((value) => (value.startsWith('{') ? withoutTrace(value, place).text : value));
    if (given.kind !== 'error') return { ...given, trailers };
    const { text, cutAt } = withoutTrace(given.body, place);
    return { ...given, trailers, body: text, headers: withoutXray(given.headers, cutAt) };
  };
  return {
    ...recording,
    init: recording.init === undefined ? undefined : answer(recording.init),
    answers: recording.answers.map(answer),
    refused: recording.refused.map(answer),
    stdout: recording.stdout.map(cut),
    stderr: recording.stderr.filter((line) => !/^\s+at /u.test(line) || !place.test(line)).map(cut),
  };
}

function withoutTrace(error: string, place: RegExp): { readonly text: string; readonly cutAt: readonly number[] } {
  const body = JSON.parse(error) as { trace?: string[] };
  const cutAt = (body.trace ?? []).flatMap((line, at) => (place.test(line) ? [at] : []));
  return { text: JSON.stringify({ ...body, trace: body.trace?.filter((line) => !place.test(line)) }), cutAt };
}

/** X-Ray's form of the stack: the frames stand in the same order, without the line of the message. */
function withoutXray(headers: readonly string[], cutAt: readonly number[]): readonly string[] {
  return headers.map((value, at) => {
    const name = (at % 2 === 1 ? headers[at - 1] : '')?.toLowerCase();
    if (name !== 'lambda-runtime-function-xray-error-cause' || value === '') return value;
    const cause = JSON.parse(value) as { exceptions: { stack: { path: string }[] }[]; paths: string[] };
    const [exception] = cause.exceptions;
    assert.ok(exception);
    exception.stack = exception.stack.filter((_, frame) => !cutAt.includes(frame + 1));
    cause.paths = [...new Set(exception.stack.map(({ path }) => path))];
    return JSON.stringify(cause);
  });
}
