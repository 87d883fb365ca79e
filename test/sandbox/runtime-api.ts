/**
 * The Runtime API as the runtime clients see it: hands out invocations and keeps every byte and header that is posted.
 *
 * Sources: AWS, "Using the Lambda runtime API" (paths, headers, status codes); aws-lambda-runtime-interface-emulator
 * internal/lambda/rapi (one answer an invocation, later ones are refused with 400); AWS, "Response streaming" (chunked
 * body, error in the trailers).
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

const PREFIX = '/2018-06-01/runtime';

/** Something that the client posted. */
export interface Post {
  readonly kind: 'response' | 'error' | 'init-error';
  readonly requestId: string | undefined;
  /** As on the wire, names and values in turn. */
  readonly headers: readonly string[];
  readonly body: Buffer;
  readonly trailers: readonly string[];
  /** Milliseconds since the epoch: head and end of the request. */
  readonly startedMs: number;
  readonly endedMs: number;
  /** False if it came for an invocation that had been answered, and was refused. */
  readonly accepted: boolean;
}

export interface Invocation {
  readonly requestId: string;
  readonly event: string;
  readonly headers: Readonly<Record<string, string>>;
}

export interface RuntimeApi {
  /** `127.0.0.1:PORT`, for AWS_LAMBDA_RUNTIME_API. */
  readonly address: string;
  readonly posts: readonly Post[];
  /** Queues an invocation; resolves with the first post for it. */
  readonly offer: (invocation: Invocation) => Promise<Post>;
  /** Resolves when the client has asked for an invocation so many times: 1 = init is over. */
  readonly polled: (times: number) => Promise<void>;
  /** How often it has asked so far. */
  readonly polls: () => number;
  /** True while the client waits for an invocation. */
  readonly waiting: () => boolean;
  /** Resolves with the first error of init. */
  readonly initError: Promise<Post>;
  readonly close: () => Promise<void>;
}

/**
 * Answers what it knows on the same port, and gives false for the rest: the Extensions API stands beside the Runtime
 * API.
 */
export type Neighbour = (request: IncomingMessage, response: ServerResponse) => boolean;

export async function startRuntimeApi(neighbour: Neighbour = () => false): Promise<RuntimeApi> {
  const desk = new Desk();
  const server: Server = createServer((request, response) => {
    if (!neighbour(request, response)) void desk.serve(request, response);
  });
  server.requestTimeout = 0;
  server.keepAliveTimeout = 0; // the platform holds a poll for as long as a sandbox sleeps
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    address: `127.0.0.1:${port}`,
    posts: desk.posts,
    offer: async (invocation) => desk.offer(invocation),
    polled: async (times) => desk.polled(times),
    polls: () => desk.polls(),
    waiting: () => desk.waiting(),
    initError: desk.initError.promise,
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

class Desk {
  readonly posts: Post[] = [];
  readonly initError: PromiseWithResolvers<Post> = Promise.withResolvers();
  readonly #queue: Invocation[] = [];
  readonly #idle: ServerResponse[] = [];
  readonly #open = new Map<string, (post: Post) => void>();
  readonly #waiting: { times: number; resolve: () => void }[] = [];
  #polls = 0;

  async offer(invocation: Invocation): Promise<Post> {
    return new Promise((resolve) => {
      this.#open.set(invocation.requestId, resolve);
      this.#queue.push(invocation);
      this.#hand();
    });
  }

  polls(): number {
    return this.#polls;
  }

  waiting(): boolean {
    return this.#idle.some((response) => !response.destroyed);
  }

  async polled(times: number): Promise<void> {
    if (this.#polls >= times) return;
    await new Promise<void>((resolve) => this.#waiting.push({ times, resolve }));
  }

  async serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = request.url ?? '';
    if (request.method === 'GET' && path === `${PREFIX}/invocation/next`) {
      this.#polls += 1;
      for (const { times, resolve } of this.#waiting) if (this.#polls >= times) resolve();
      this.#idle.push(response);
      this.#hand();
      return;
    }
    const match = /^\/invocation\/([^/]+)\/(response|error)$/u.exec(path.slice(PREFIX.length));
    const kind = path === `${PREFIX}/init/error` ? 'init-error' : (match?.[2] as 'response' | 'error' | undefined);
    if (request.method !== 'POST' || !path.startsWith(PREFIX) || kind === undefined) {
      answer(response, 404, { errorType: 'NotFound' });
      return;
    }
    await this.#take(kind, match?.[1] === undefined ? undefined : decodeURIComponent(match[1]), request, response);
  }

  async #take(
    kind: Post['kind'],
    requestId: string | undefined,
    request: IncomingMessage,
    response: ServerResponse,
  ): Promise<void> {
    const startedMs = Date.now();
    const chunks: Buffer[] = [];
    try {
      for await (const chunk of request) chunks.push(chunk as Buffer);
    } catch {
      return; // the process died in the middle: that was no post
    }
    const settle = requestId === undefined ? undefined : this.#open.get(requestId);
    const accepted = kind === 'init-error' || settle !== undefined;
    const post: Post = {
      kind,
      requestId,
      headers: request.rawHeaders,
      body: Buffer.concat(chunks),
      trailers: request.rawTrailers,
      startedMs,
      endedMs: Date.now(),
      accepted,
    };
    this.posts.push(post);
    if (requestId !== undefined) this.#open.delete(requestId);
    if (kind === 'init-error') this.initError.resolve(post);
    answer(response, accepted ? 202 : 400, accepted ? { status: 'OK' } : { errorType: 'InvalidRequestID' });
    settle?.(post);
  }

  #hand(): void {
    while (this.#queue.length > 0 && this.#idle.length > 0) {
      const response = this.#idle.shift();
      if (response === undefined || response.destroyed) continue;
      const invocation = this.#queue.shift();
      if (invocation === undefined) return;
      response.writeHead(200, { 'Content-Type': 'application/json', ...invocation.headers });
      response.end(invocation.event);
    }
  }
}

function answer(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { 'Content-Type': 'application/json' });
  response.end(JSON.stringify(body));
}
