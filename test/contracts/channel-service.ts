/** A service at the other end of a channel that answers, refuses and breaks as it is told. */
import assert from 'node:assert/strict';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { TestContext } from 'node:test';
import { resolveConfig } from '../../src/config/config.ts';
import type { ControlChannel } from '../../src/ship/channels/index.ts';
import { parseOrder } from '../../src/trigger/order.ts';

export interface Asked {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}

/** One answer of the service, in its own protocol. */
export interface Answer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Buffer;
}

/** How the service of a channel speaks. */
export interface ChannelService {
  /** A place that exists. */
  readonly location: string;
  /** Places that nobody should have typed. */
  readonly strange: readonly string[];
  /** The answer that holds this document, for what was asked. */
  readonly says: (document: string, asked: Asked) => Answer;
  /** A refusal with the code that the service gives it. */
  readonly refuses: (status: number, code: string) => Answer;
  /** The IAM action that a request needs. */
  readonly actionOf: (asked: Asked) => string | undefined;
}

/** What a server does with a request beside answering it. */
export type Deed = (response: ServerResponse, asked: Asked) => void;

export const MAX: number = 16 * 1024;
export const ORDER: string = JSON.stringify({ amber: 1, state: 'idle' });
export const SECRET = 'wJalrXUtnFEMI-K7MDENG-bPxRfiCYEXAMPLEKEY';
export const TOKEN = 'IQoJb3JpZ2luX2VjSESSIONTOKEN';
const KEYS = { AWS_ACCESS_KEY_ID: 'AKIDCHANNEL', AWS_SECRET_ACCESS_KEY: SECRET, AWS_SESSION_TOKEN: TOKEN };
/** Longest time of one read that is not called off: none of these servers is slow. */
export const SOON_MS = 5000;

/** Bodies that are no answer of any service. */
export const GARBAGE: Readonly<Record<string, string | Buffer>> = {
  nothing: '',
  'a web page': '<!doctype html><html><body>Sign in to continue</body></html>',
  null: 'null',
  'a list': '[]',
  'members of other types': '{"Parameter":7,"Environment":[],"InitialConfigurationToken":{}}',
  'half of a document': '{"Parameter":{"Value":"{\\"amber\\"',
  'depth without end': '['.repeat(8000),
  'bytes that are no text': Buffer.from([0xff, 0xfe, 0x00, 0x80, 0xc3, 0x28]),
  'control characters': '\u001b]0;title\u0007\r\n\r\n{"__type":"\u0000"}',
};

/** Servers that break the connection, or the protocol. */
export const BROKEN: Readonly<Record<string, Deed>> = {
  'resets the connection': (response) => void response.socket?.resetAndDestroy(),
  'hangs up in the middle of the body': (response) => {
    response.writeHead(200, { 'content-length': 1000 });
    response.write('half', () => response.socket?.destroy());
  },
  'speaks another protocol': (response) => void response.socket?.end('220 ready\r\n'),
  'announces no number': (response) => void response.socket?.end('HTTP/1.1 200 OK\r\ncontent-length: many\r\n\r\nbody'),
  'sends headers without end': (response) => void response.socket?.end(`HTTP/1.1 200 OK\r\nx: ${'y'.repeat(200_000)}`),
};

export class Service {
  readonly asked: Asked[] = [];
  endpoint = '';
  #deed: Deed = () => undefined;

  does(deed: Deed): void {
    this.#deed = deed;
  }

  answers(answer: Answer | ((asked: Asked) => Answer)): void {
    this.#deed = (response, asked) => {
      const { status, headers = {}, body = '' } = typeof answer === 'function' ? answer(asked) : answer;
      response.writeHead(status, { ...headers }).end(body);
    };
  }

  async listen(t: TestContext): Promise<this> {
    const server = createServer((request, response) => {
      let body = '';
      request.on('error', () => undefined);
      request.setEncoding('utf8').on('data', (text: string) => (body += text));
      request.on('end', () => {
        const one = { method: request.method ?? '', url: request.url ?? '', headers: request.headers, body };
        this.asked.push(one);
        this.#deed(response, one);
      });
    }).listen(0, '127.0.0.1');
    await new Promise((resolve) => server.once('listening', resolve));
    t.after(
      () =>
        new Promise((resolve) => {
          server.closeAllConnections();
          server.close(resolve);
        }),
    );
    this.endpoint = `http://127.0.0.1:${String((server.address() as AddressInfo).port)}`;
    return this;
  }
}

export function environment(endpoint: string): Record<string, string> {
  return {
    ...KEYS,
    AWS_REGION: 'eu-central-1',
    AWS_LAMBDA_FUNCTION_NAME: 'checkout',
    AWS_ENDPOINT_URL_LAMBDA: endpoint,
    AWS_ENDPOINT_URL_SSM: endpoint,
    AWS_ENDPOINT_URL_APPCONFIGDATA: endpoint,
  };
}

export const configOf = (location: string, endpoint: string): ReturnType<typeof resolveConfig> =>
  resolveConfig({ s3Endpoint: endpoint, s3PathStyle: true, control: location, destination: 's3://captures/amber' }, {});

/** What a read came to. Whatever it is, it is bounded, has a code that a log line takes, and holds no secret. */
export async function outcome(channel: ControlChannel, signal?: AbortSignal, most: number = MAX): Promise<string> {
  const reply = await channel.read(most, signal ?? AbortSignal.timeout(SOON_MS));
  if (!reply.ok) {
    const { code, status, reason = '' } = reply.fault;
    assert.match(code, /^[\w.-]{1,80}$/u, `the code ${JSON.stringify(code)}`);
    assert.ok(reason.length <= 200 && !/[\u0000-\u001f]/u.test(reason), reason);
    const told = JSON.stringify([code, status, reason]);
    assert.ok(!told.includes(SECRET) && !told.includes(TOKEN), told);
    return `fault ${code}`;
  }
  if (reply.value.state === 'unchanged') return 'unchanged';
  assert.ok(reply.value.body.length <= most, `${String(reply.value.body.length)} bytes`);
  // Whatever stands there goes to the one parser of orders, which judges and does not throw.
  parseOrder(reply.value.body);
  return reply.value.body.toString('utf8');
}
