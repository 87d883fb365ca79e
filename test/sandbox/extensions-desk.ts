/**
 * The Extensions API as extensions see it: register, event/next, init/error, exit/error, and the Telemetry API beside
 * it.
 *
 * Sources, unless a rule names another: aws-lambda-runtime-interface-emulator (RIE)
 * internal/lambda/rapi/handler/agent*.go for paths, headers, error types and status codes; core/externalagent_states.go
 * for what is allowed when.
 */
import { randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { TelemetryDesk } from './telemetry-desk.ts';

const PREFIX = '/2020-01-01/extension/';
const TELEMETRY = '/2022-07-01/telemetry';

export type ExtensionEvent = 'INVOKE' | 'SHUTDOWN';

export interface InvokeFacts {
  readonly requestId: string;
  readonly deadlineMs: number;
  readonly arn: string;
  readonly traceId: string;
}

/** What happens when an extension says so itself. */
export interface DeskRules {
  readonly functionName: string;
  readonly handler: string;
  /** Managed Instances accept SHUTDOWN alone (RIE internal/lambda-managed-instances/core/externalagent.go). */
  readonly managed: boolean;
  readonly telemetry: boolean;
  /** init/error and exit/error end the sandbox (agentiniterror.go, agentexiterror.go). */
  readonly onError: (name: string, errorType: string) => void;
}

type LifecycleEvent = { readonly eventType: ExtensionEvent } & Readonly<Record<string, unknown>>;

interface Agent {
  readonly name: string;
  readonly id: string;
  readonly events: readonly ExtensionEvent[];
  /** Times that it has called next: 1 = it is ready after init. */
  polls: number;
  waiting: ServerResponse | undefined;
  /** Handed out at its next poll: an event that came while it was at work. */
  queued: LifecycleEvent | undefined;
  /** It has reported an error: whatever it asks for after that is refused (core/externalagent_states.go). */
  hasFailed: boolean;
}

/**
 * One life of a sandbox: from init to the next reset (RIE rapid/handlers.go reinitialize clears every registration).
 */
export class ExtensionsDesk {
  readonly telemetry: TelemetryDesk = new TelemetryDesk();
  readonly #rules: DeskRules;
  readonly #launched: ReadonlySet<string>;
  readonly #agents = new Map<string, Agent>();
  readonly #watchers = new Set<() => void>();
  #closed = false;

  constructor(rules: DeskRules, launched: readonly string[]) {
    this.#rules = rules;
    this.#launched = new Set(launched);
  }

  /** Names of those that are registered, with the events that each wants. */
  registered(): ReadonlyMap<string, readonly ExtensionEvent[]> {
    return new Map([...this.#agents.values()].map(({ name, events }) => [name, events]));
  }

  /** Resolves when all launched extensions have registered: the runtime starts after that (doInitExtensions). */
  async allRegistered(): Promise<void> {
    await this.#until(() => [...this.#launched].every((name) => this.#byName(name) !== undefined));
  }

  /** Resolves when every registered extension waits in next: with the runtime's own poll the sandbox is idle then. */
  async allReady(): Promise<void> {
    await this.#until(() => [...this.#agents.values()].every((agent) => agent.waiting !== undefined));
  }

  /** Registration ends with init (registrationService.TurnOff). */
  closeRegistration(): void {
    this.#closed = true;
  }

  /** Hands INVOKE to those that asked for it (doInvoke: agent.Release). */
  invoke({ requestId, deadlineMs, arn, traceId }: InvokeFacts): void {
    for (const agent of this.#agents.values()) {
      if (!agent.events.includes('INVOKE')) continue;
      hand(agent, {
        eventType: 'INVOKE',
        deadlineMs,
        requestId,
        invokedFunctionArn: arn,
        tracing: { type: 'X-Amzn-Trace-Id', value: traceId },
      });
    }
  }

  /** Hands SHUTDOWN to one extension; it gets the event at its next poll if it is at work. */
  shutdown(name: string, shutdownReason: string, deadlineMs: number): void {
    const agent = this.#byName(name);
    if (agent !== undefined) hand(agent, { eventType: 'SHUTDOWN', deadlineMs, shutdownReason });
  }

  /** False: the request is none of the Extensions API. */
  serve(request: IncomingMessage, response: ServerResponse): boolean {
    const path = request.url ?? '';
    if (!path.startsWith(PREFIX) && path !== TELEMETRY) return false;
    void this.#answer(path, request, response);
    return true;
  }

  async #answer(path: string, request: IncomingMessage, response: ServerResponse): Promise<boolean> {
    const body = await read(request);
    if (path === `${PREFIX}register` && request.method === 'POST') return this.#register(request, response, body);
    const id = header(request, 'lambda-extension-identifier');
    if (id === undefined) return refuse(response, 'Extension.MissingExtensionIdentifier');
    if (!/^[0-9a-f-]{36}$/iu.test(id)) return refuse(response, 'Extension.InvalidExtensionIdentifier');
    const agent = this.#agents.get(id);
    if (agent === undefined) return refuse(response, 'Extension.UnknownExtensionIdentifier');
    if (path === `${PREFIX}event/next` && request.method === 'GET') return this.#next(agent, response);
    if (path === TELEMETRY && request.method === 'PUT') return this.#subscribe(agent, response, body);
    const errorType = header(request, 'lambda-extension-function-error-type');
    if (path !== `${PREFIX}init/error` && path !== `${PREFIX}exit/error`)
      return say(response, 404, { errorType: 'NotFound' });
    if (errorType === undefined) return refuse(response, 'Extension.MissingHeader');
    agent.hasFailed = true;
    say(response, 202, { status: 'OK' });
    // The caller is told of these two types alone, whatever the extension calls it (fatalerror/fatalerror.go).
    this.#rules.onError(agent.name, path.endsWith('init/error') ? 'Extension.InitError' : 'Extension.ExitError');
    return true;
  }

  #register(request: IncomingMessage, response: ServerResponse, body: string): boolean {
    const name = header(request, 'lambda-extension-name');
    if (name === undefined) return refuse(response, 'Extension.InvalidExtensionName');
    const events = parseEvents(body);
    if (events === undefined) return refuse(response, 'InvalidRequestFormat');
    const external = this.#launched.has(name);
    // Internal extensions may not ask for SHUTDOWN, and on Managed Instances for nothing (core/internalagent.go).
    const allowed = external
      ? this.#rules.managed
        ? ['SHUTDOWN']
        : ['INVOKE', 'SHUTDOWN']
      : this.#rules.managed
        ? []
        : ['INVOKE'];
    if (!events.every((event) => allowed.includes(event))) return refuse(response, 'Extension.InvalidEventType');
    if (!external && this.#closed) return refuse(response, 'Extension.RegistrationClosed');
    if (this.#byName(name) !== undefined) return refuse(response, 'Extension.InvalidExtensionState');
    if (this.#agents.size >= 10) return refuse(response, 'Extension.TooManyExtensions');
    const id = randomUUID();
    this.#agents.set(id, {
      name,
      id,
      events: events as ExtensionEvent[],
      polls: 0,
      waiting: undefined,
      queued: undefined,
      hasFailed: false,
    });
    const account =
      header(request, 'lambda-extension-accept-feature')
        ?.split(',')
        .some((one) => one.trim() === 'accountId') === true;
    say(
      response,
      200,
      {
        ...(account ? { accountId: '123456789012' } : {}),
        functionName: this.#rules.functionName,
        functionVersion: '$LATEST',
        handler: this.#rules.handler,
      },
      { 'Lambda-Extension-Identifier': id },
    );
    return this.#moved();
  }

  #next(agent: Agent, response: ServerResponse): boolean {
    // A second poll while one waits: the state machine refuses it (ReadyState has no Ready transition).
    if (agent.hasFailed || (agent.waiting !== undefined && !agent.waiting.destroyed))
      return refuse(response, 'Extension.InvalidExtensionState');
    agent.polls += 1;
    agent.waiting = response;
    const event = agent.queued;
    agent.queued = undefined;
    return event === undefined ? this.#moved() : hand(agent, event);
  }

  #subscribe(agent: Agent, response: ServerResponse, body: string): boolean {
    // Where there is no telemetry service the answer is 202 all the same, with an error in its body
    // (runtimelogs_stub.go).
    if (!this.#rules.telemetry)
      return say(response, 202, {
        errorType: 'Telemetry.NotSupported',
        errorMessage: 'Telemetry API is not supported',
      });
    if (!this.telemetry.subscribe(agent.name, body)) return say(response, 400, { errorType: 'ValidationError' });
    response.writeHead(200, { 'Content-Type': 'text/plain' }).end('OK');
    return true;
  }

  #byName(name: string): Agent | undefined {
    return [...this.#agents.values()].find((agent) => agent.name === name);
  }

  #moved(): true {
    for (const watcher of this.#watchers) watcher();
    return true;
  }

  async #until(condition: () => boolean): Promise<void> {
    if (condition()) return;
    await new Promise<void>((resolve) => {
      const watcher = (): void => {
        if (!condition()) return;
        this.#watchers.delete(watcher);
        resolve();
      };
      this.#watchers.add(watcher);
    });
  }
}

/** INVOKE has an identifier, SHUTDOWN has none (rapi/rendering/rendering.go). */
function hand(agent: Agent, event: LifecycleEvent): boolean {
  const response = agent.waiting;
  agent.waiting = undefined;
  if (response === undefined || response.destroyed) agent.queued = event;
  else
    return say(
      response,
      200,
      event,
      event.eventType === 'INVOKE' ? { 'Lambda-Extension-Event-Identifier': randomUUID() } : {},
    );
  return false;
}

function parseEvents(body: string): readonly string[] | undefined {
  try {
    const { events, configurationKeys } = JSON.parse(body) as { events?: unknown; configurationKeys?: unknown };
    if (Array.isArray(configurationKeys) && configurationKeys.length > 0) return undefined;
    return Array.isArray(events) ? events.map(String) : [];
  } catch {
    return undefined;
  }
}

function header(request: IncomingMessage, name: string): string | undefined {
  const value = request.headers[name];
  return typeof value === 'string' && value !== '' ? value : undefined;
}

async function read(request: IncomingMessage): Promise<string> {
  let text = '';
  try {
    for await (const chunk of request.setEncoding('utf8')) text += String(chunk);
  } catch {
    // the extension died in the middle
  }
  return text;
}

function refuse(response: ServerResponse, errorType: string): true {
  return say(response, 403, { errorType, errorMessage: errorType });
}

function say(
  response: ServerResponse,
  status: number,
  body: object,
  headers: Readonly<Record<string, string>> = {},
): true {
  response.writeHead(status, { 'Content-Type': 'application/json', ...headers });
  response.end(JSON.stringify(body));
  return true;
}
