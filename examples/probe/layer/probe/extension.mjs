// The extension of the probe: looks from beside the function at its first invocation, and measures what a shutdown
// leaves (time until SIGKILL, share of the CPU). What it finds are lines of JSON in the log, and a file that outlives a
// reset.
import { randomUUID } from 'node:crypto';
import { readFileSync, renameSync, writeFileSync, writeSync } from 'node:fs';
import { request } from 'node:http';
import { look } from './look.mjs';

const NAME = process.argv[2] ?? 'amber-probe';
const FILE = process.env.PROBE_FILE ?? '/tmp/amber-probe.json';
/** So often a line is written during a shutdown: the last one tells how long there was. */
const STEP_MS = 100;

const sandbox = randomUUID();
const say = (record) => writeSync(1, `${JSON.stringify({ ...record, sandbox })}\n`);

function call(method, path, headers, body) {
  return new Promise((resolve, reject) => {
    const sent = request(
      `http://${process.env.AWS_LAMBDA_RUNTIME_API}/2020-01-01/extension/${path}`,
      { method, headers },
      (response) => {
        const chunks = [];
        response
          .on('data', (chunk) => chunks.push(chunk))
          .on('end', () =>
            resolve({ status: response.statusCode, headers: response.headers, text: Buffer.concat(chunks).toString() }),
          );
      },
    );
    sent.on('error', reject).end(body);
  });
}

async function register() {
  for (const events of [['INVOKE', 'SHUTDOWN'], ['SHUTDOWN']]) {
    const answer = await call(
      'POST',
      'register',
      { 'Lambda-Extension-Name': NAME, 'Content-Type': 'application/json' },
      JSON.stringify({ events }),
    );
    if (answer.status === 200)
      return { identity: { 'Lambda-Extension-Identifier': answer.headers['lambda-extension-identifier'] }, events };
    say({ probe: 'refused', events, status: answer.status, answer: answer.text.slice(0, 300) });
  }
  return undefined;
}

const state = {
  invocations: 0,
  initAt: Date.now(),
  lastInvokeAt: undefined,
  runtime: undefined,
  look: undefined,
  before: before(),
};

/** What the life before had time to write, if this one follows a reset. */
function before() {
  try {
    return JSON.parse(readFileSync(FILE, 'utf8')).shutdown ?? null;
  } catch {
    return null;
  }
}

function onInvoke() {
  state.invocations += 1;
  state.lastInvokeAt = Date.now();
  if (state.look !== undefined) return;
  state.look = look('extension');
  state.runtime = Array.isArray(state.look.processes)
    ? state.look.processes.filter(({ pid }) => pid !== process.pid && pid !== 1).map(({ pid }) => pid)
    : [];
  say(state.look);
  keep({});
}

/** For the function, in its next invocation: also of the life before, when a reset has kept /tmp. */
function keep(more) {
  try {
    // Under another name first: the kill may come in the middle of a write.
    writeFileSync(`${FILE}.new`, JSON.stringify({ sandbox, ...state, ...more }));
    renameSync(`${FILE}.new`, FILE);
  } catch (error) {
    say({ probe: 'fault', error: String(error.code ?? error) });
  }
}

/** Works without a pause until it is killed, and says every so often how far it has come. */
function onShutdown({ shutdownReason, deadlineMs }) {
  const startedAt = Date.now();
  const cpu = process.cpuUsage();
  const begun = performance.now();
  const facts = {
    probe: 'shutdown',
    reason: shutdownReason,
    startedAt: new Date(startedAt).toISOString(),
    grantedMs: deadlineMs - startedAt,
    invocations: state.invocations,
    sinceInvokeMs: state.lastInvokeAt === undefined ? null : startedAt - state.lastInvokeAt,
    sinceInitMs: startedAt - state.initAt,
    runtimesLeft: (state.runtime ?? []).filter(exists).length,
  };
  for (let step = 0; step * STEP_MS <= facts.grantedMs + 500; step += 1) {
    while (performance.now() - begun < step * STEP_MS);
    const { user, system } = process.cpuUsage(cpu);
    const shutdown = {
      ...facts,
      survivedMs: Math.round(performance.now() - begun),
      cpuMs: Math.round((user + system) / 1000),
    };
    say(shutdown);
    keep({ shutdown });
  }
}

function exists(pid) {
  try {
    return readFileSync(`/proc/${pid}/stat`, 'latin1') !== '';
  } catch {
    return false;
  }
}

const registered = await register();
for (;;) {
  // No timeout: a sandbox may sleep for hours. Without an identity it stays, because an extension that ends, ends the
  // function.
  const answer =
    registered === undefined
      ? await new Promise(() => setInterval(() => undefined, 60_000))
      : await call('GET', 'event/next', registered.identity);
  const event = JSON.parse(answer.text);
  if (event.eventType === 'INVOKE') onInvoke();
  if (event.eventType === 'SHUTDOWN') {
    onShutdown(event);
    process.exit(0);
  }
}
