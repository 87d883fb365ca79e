/** A forward proxy as companies have them (RFC 9110 section 9.3.6), and a server with TLS for what stands behind it. */
import { createServer, request as httpRequest, type IncomingMessage, type RequestListener } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import { connect, type AddressInfo, type Server } from 'node:net';
import type { Duplex } from 'node:stream';

export interface ForwardProxy {
  /** `http://127.0.0.1:PORT` */
  readonly url: string;
  /** What it was asked for: `CONNECT host:port`, `GET http://…`. */
  readonly seen: string[];
  /** Answers every CONNECT with this status in place of a connection. */
  refuse: number | undefined;
  /** NAME:PASSWORD that it demands. */
  credentials: string | undefined;
  readonly close: () => Promise<void>;
}

/** Whatever the host, `securePort` of this machine is behind CONNECT, and `plainPort` behind other methods. */
export async function forwardProxy({
  securePort,
  plainPort,
}: {
  readonly securePort: number;
  readonly plainPort: number;
}): Promise<ForwardProxy> {
  const seen: string[] = [];
  const sockets = new Set<Duplex>();
  const isWelcome = ({ headers }: IncomingMessage): boolean =>
    proxy.credentials === undefined ||
    headers['proxy-authorization'] === `Basic ${Buffer.from(proxy.credentials).toString('base64')}`;
  const server = createServer((incoming, outgoing) => {
    seen.push(`${incoming.method ?? ''} ${incoming.url ?? ''}`);
    if (!isWelcome(incoming)) return void outgoing.writeHead(407).end();
    const { host, pathname, search } = new URL(incoming.url ?? '');
    passOn(plainPort, host, `${pathname}${search}`)(incoming, outgoing);
  });
  server.on('connection', (socket) => void sockets.add(socket));
  server.on('connect', (request, socket, head) => {
    seen.push(`CONNECT ${request.url ?? ''}`);
    const status = isWelcome(request) ? proxy.refuse : 407;
    if (status !== undefined) return void socket.end(`HTTP/1.1 ${status} No\r\nContent-Length: 0\r\n\r\n`);
    const upstream = connect(securePort, '127.0.0.1', () => {
      socket.write('HTTP/1.1 200 Connection established\r\n\r\n');
      upstream.write(head);
      upstream.pipe(socket).pipe(upstream);
    });
    sockets.add(upstream);
    upstream.on('error', () => socket.destroy());
    socket.on('error', () => upstream.destroy());
  });
  const port = await listening(server);
  const proxy: ForwardProxy = {
    url: `http://127.0.0.1:${port}`,
    seen,
    refuse: undefined,
    credentials: undefined,
    close: () => closed(server, sockets),
  };
  return proxy;
}

export interface SecureFront {
  readonly port: number;
  readonly close: () => Promise<void>;
}

/** TLS before a server of this machine; the Host header stays as it came. */
export async function secureFront(
  endpoint: string,
  { key, cert }: { readonly key: string; readonly cert: string },
): Promise<SecureFront> {
  const sockets = new Set<Duplex>();
  const server = createSecureServer({ key, cert }, (incoming, outgoing) =>
    passOn(Number(new URL(endpoint).port), incoming.headers.host ?? '', incoming.url ?? '/')(incoming, outgoing),
  );
  server.on('connection', (socket) => void sockets.add(socket));
  return { port: await listening(server), close: () => closed(server, sockets) };
}

function passOn(port: number, host: string, path: string): RequestListener {
  return (incoming, outgoing) => {
    const upstream = httpRequest(
      { host: '127.0.0.1', port, method: incoming.method, path, headers: { ...incoming.headers, host }, agent: false },
      (answer) => {
        outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
        answer.pipe(outgoing);
      },
    );
    upstream.on('error', () => outgoing.destroy());
    upstream.on('continue', () => outgoing.writeContinue());
    incoming.pipe(upstream);
  };
}

async function listening(server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return (server.address() as AddressInfo).port;
}

function closed(server: Server, sockets: ReadonlySet<Duplex>): Promise<void> {
  for (const socket of sockets) socket.destroy();
  return new Promise((resolve) => server.close(() => resolve()));
}
