/**
 * Connections of the command where the environment names proxies or authorities: each request goes through the proxy of
 * its scheme, or directly where NO_PROXY excludes its host. Loaded only then.
 */
import { Agent as BaseAgent, type AgentConnectOpts } from 'agent-base';
import { HttpProxyAgent } from 'http-proxy-agent';
import { HttpsProxyAgent } from 'https-proxy-agent';
import { Agent as HttpAgent, type ClientRequest } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import type { Socket } from 'node:net';
import { defined } from '../defined.ts';
import { AmberError, describeError, systemCode } from '../errors.ts';
import { isExcluded } from './no-proxy.ts';
import type { Proxy, ProxySettings } from './proxy.ts';

const MAX_SOCKETS = 50;
/** To the proxy, and from there to the host. */
const CONNECT_MS = 10_000;

/** Chooses by the host of each request. */
export class ChoosingAgent extends BaseAgent {
  readonly #settings: ProxySettings;
  readonly #direct: HttpAgent;
  readonly #proxied: HttpAgent | undefined;

  constructor(settings: ProxySettings, { secure }: { readonly secure: boolean }) {
    // Said here, it is not NODE_TLS_REJECT_UNAUTHORIZED that decides, as in a function.
    const tls = secure ? { rejectUnauthorized: true, ...defined({ ca: settings.ca }) } : {};
    const options = { keepAlive: true, maxSockets: MAX_SOCKETS, ...tls };
    super(options);
    this.#settings = settings;
    this.#direct = secure ? new HttpsAgent(options) : new HttpAgent(options);
    const proxy = secure ? settings.secure : settings.plain;
    this.#proxied = proxy === undefined ? undefined : proxiedAgent(proxy, { secure }, settings.ca);
  }

  override connect(_: ClientRequest, { host, port }: AgentConnectOpts): HttpAgent {
    // Some clients give the port as a text, whatever the type says.
    const isDirect = isExcluded(this.#settings.except, host ?? '', Number.parseInt(String(port), 10));
    return isDirect ? this.#direct : (this.#proxied ?? this.#direct);
  }

  override destroy(): void {
    this.#direct.destroy();
    this.#proxied?.destroy();
    super.destroy();
  }
}

function proxiedAgent(proxy: Proxy, { secure }: { readonly secure: boolean }, ca: string | undefined): HttpAgent {
  const { username, password } = proxy.url;
  const bare = new URL(proxy.url);
  bare.username = bare.password = '';
  // Said as a header, the password stands in no URL that a library may log.
  const token = Buffer.from(`${decodeURIComponent(username)}:${decodeURIComponent(password)}`).toString('base64');
  const options = {
    keepAlive: true,
    maxSockets: MAX_SOCKETS,
    rejectUnauthorized: true,
    ...defined({ ca }),
    headers: username === '' && password === '' ? {} : { 'Proxy-Authorization': `Basic ${token}` },
  };
  return secure ? new TunnelAgent(proxy, bare, options) : new ForwardAgent(proxy, bare, options);
}

interface ProxyOptions {
  readonly keepAlive: boolean;
  readonly maxSockets: number;
  readonly rejectUnauthorized: boolean;
  readonly ca?: string;
  readonly headers: Record<string, string>;
}

/**
 * Through CONNECT: the proxy sees names of hosts alone. What it answers in the host's place is an error, not an answer
 * of AWS.
 */
class TunnelAgent extends HttpsProxyAgent<string> {
  readonly #proxy: Proxy;

  constructor(proxy: Proxy, url: URL, options: ProxyOptions) {
    super(url, options);
    this.#proxy = proxy;
  }

  override async connect(
    request: ClientRequest,
    options: Parameters<HttpsProxyAgent<string>['connect']>[1],
  ): Promise<Socket> {
    let answered = { statusCode: 200, statusText: '' };
    request.once('proxyConnect', (answer: typeof answered) => (answered = answer));
    const socket = await reached(this.#proxy, super.connect(request, options));
    if (answered.statusCode === 200) return socket;
    socket.destroy();
    const needs = answered.statusCode === 407 ? '; it wants a name and a password: http://NAME:PASSWORD@HOST:PORT' : '';
    throw failed(
      this.#proxy,
      `does not connect to ${options.host ?? 'the host'} (${answered.statusCode} ` +
        `${answered.statusText.slice(0, 100)})${needs}`,
    );
  }
}

class ForwardAgent extends HttpProxyAgent<string> {
  readonly #proxy: Proxy;

  constructor(proxy: Proxy, url: URL, options: ProxyOptions) {
    super(url, options);
    this.#proxy = proxy;
  }

  override connect(
    request: Parameters<HttpProxyAgent<string>['connect']>[0],
    options: AgentConnectOpts,
  ): Promise<Socket> {
    return reached(this.#proxy, super.connect(request, options));
  }
}

async function reached(proxy: Proxy, connecting: Promise<Socket>): Promise<Socket> {
  const { promise, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(failed(proxy, `has made no connection within ${CONNECT_MS} ms`)), CONNECT_MS);
  try {
    return await Promise.race([connecting, promise]);
  } catch (cause) {
    connecting.then(
      (late) => late.destroy(),
      () => undefined,
    );
    throw cause instanceof AmberError
      ? cause
      : failed(proxy, `does not answer (${systemCode(cause) ?? describeError(cause)})`, cause);
  } finally {
    clearTimeout(timer);
  }
}

function failed({ variable, url }: Proxy, why: string, cause?: unknown): AmberError {
  return new AmberError(
    'ACQUIRE_FAILED',
    `The proxy ${url.host} of ${variable} ${why}. See to ${variable}, or except the host with NO_PROXY.`,
    { cause, details: { fault: 'ProxyFailed', variable } },
  );
}
