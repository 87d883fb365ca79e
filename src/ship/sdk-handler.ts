/**
 * The HTTP client that the SDK is given in place of its own: one exchange as the light transport makes it, so that the
 * answer is bounded. The raw answer is kept beside what the SDK makes of it.
 */
import type { Agent } from 'node:http';
import { Readable } from 'node:stream';
import { defined } from '../defined.ts';
import { exchange, type Answer } from './exchange.ts';
import { MAX_ANSWER_BYTES } from './receipt.ts';

/** What the SDK hands to its HTTP client (its `HttpRequest`). */
interface SdkRequest {
  readonly protocol: string;
  readonly hostname: string;
  readonly port?: number;
  readonly method: string;
  readonly path: string;
  readonly query: Readonly<Record<string, string | readonly string[] | null>>;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: unknown;
}

/** What it takes as the answer (`HttpResponse`), and the answer as it came. */
interface SdkResponse {
  readonly statusCode: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Readable;
  readonly answer: Answer;
}

export interface SdkHandler extends Record<string, unknown> {
  readonly handle: (
    request: SdkRequest,
    options?: { readonly abortSignal?: AbortSignal },
  ) => Promise<{ readonly response: SdkResponse }>;
  /** Calls `onSlow` when the request that is sent with this signal gets no connection. */
  readonly listen: (signal: AbortSignal, onSlow: () => void) => void;
  readonly destroy: () => void;
}

/** Per address, where a name has several: Node's 250 ms are short for a function with 7 % of a core. */
const FAMILY_MS = 500;
const AGENT = { keepAlive: true, maxSockets: 4, autoSelectFamilyAttemptTimeout: FAMILY_MS };

/** @param agents - of a command: for requests without TLS, and for those with it */
export function openSdkHandler(agents?: readonly [plain: Agent, secure: Agent]): SdkHandler {
  const [http, https] = [process.getBuiltinModule('node:http'), process.getBuiltinModule('node:https')];
  // Certificates are checked whatever NODE_TLS_REJECT_UNAUTHORIZED says: code in the process can set that at any time.
  const [plain, secure]: readonly [Agent, Agent] = agents ?? [
    new http.Agent(AGENT),
    new https.Agent({ ...AGENT, rejectUnauthorized: true }),
  ];
  const listeners = new WeakMap<AbortSignal, () => void>();
  return {
    listen: (signal, onSlow) => void listeners.set(signal, onSlow),
    metadata: { handlerProtocol: 'http/1.1' },
    handle: async (request, { abortSignal } = {}) => {
      const isSecure = request.protocol === 'https:';
      const outgoing = (isSecure ? https : http).request({
        agent: isSecure ? secure : plain,
        hostname: request.hostname.replace(/^\[(.*)\]$/u, '$1'),
        ...defined({ port: request.port }),
        method: request.method,
        path: request.path + queryOf(request.query),
        headers: request.headers,
        ...defined({ signal: abortSignal }),
      });
      const body = request.body instanceof Uint8Array ? [request.body] : [];
      const onSlow = abortSignal === undefined ? undefined : listeners.get(abortSignal);
      const answer = await exchange(outgoing, {
        body,
        onSlow,
        maxAnswerBytes: MAX_ANSWER_BYTES,
        expects: 'expect' in request.headers,
        needsAnswer: request.method !== 'PUT',
      });
      return {
        response: {
          statusCode: answer.status,
          headers: flat(answer.headers),
          body: Readable.from([answer.body], { objectMode: false }),
          answer,
        },
      };
    },
    updateHttpClientConfig: () => undefined,
    httpHandlerConfigs: () => ({}),
    destroy: () => {
      plain.destroy();
      secure.destroy();
    },
  };
}

function queryOf(query: SdkRequest['query']): string {
  const pairs = Object.entries(query).flatMap(([name, value]) => {
    const values = value === null ? [null] : Array.isArray(value) ? (value as readonly string[]) : [value as string];
    return values.map((one) => (one === null ? escape(name) : `${escape(name)}=${escape(one)}`));
  });
  return pairs.length === 0 ? '' : `?${pairs.join('&')}`;
}

/** The form that SigV4 signs ("Create a canonical request", IAM User Guide). */
function escape(text: string): string {
  return encodeURIComponent(text).replaceAll(
    /[!'()*]/gu,
    (found) => `%${found.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

function flat(headers: Answer['headers']): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name, Array.isArray(value) ? value.join(', ') : (value ?? '')]),
  );
}
