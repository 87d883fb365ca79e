/**
 * What stands around a sandbox's network: run by stage.ts inside the network namespace of the sandbox and outside of
 * its other namespaces, so that no process of it is seen there. All addresses lie on that namespace's loopback device
 * (RFC 5737 for those of strangers): nothing can leave it.
 *
 *     node network.ts API_SOCKET INWARD     passes 127.0.0.1:9001 on to the Runtime API, connects whoever calls the socket
 *                                           INWARD to the port that he names in his first line, serves the addresses
 *                                           below, and writes a line of JSON for each thing that arrived
 */
import { createSocket } from 'node:dgram';
import { readFileSync } from 'node:fs';
import { connect, createServer, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

/** Where the Runtime API of a real sandbox listens. */
export const RUNTIME_API = '127.0.0.1:9001';

/** Addresses of the little world. */
export const ADDRESSES = {
  /** The sandbox's own, as the source of what it connects to. */
  own: '169.254.76.1',
  attacker: '203.0.113.7',
  pool: '203.0.113.9',
  /** One of Amazon's, which anybody may rent. */
  rented: '52.94.5.1',
  foreignResolver: '203.0.113.53',
  /** Named by /etc/resolv.conf, like the platform's. */
  resolver: '169.254.78.1',
  /** A database in a VPC, and an API on the internet that the function is meant to use. */
  database: '10.0.12.5',
  partner: '198.51.100.20',
} as const;

/** Lines of bash that make the addresses, as root, in a new network namespace. */
export function networkSetup(): readonly string[] {
  const strangers = Object.values(ADDRESSES);
  return [
    'ip link set lo up',
    ...strangers.map((address) => `ip address add ${address}/32 dev lo`),
    // Else the kernel would choose the target as the source, and the connection would look like one to oneself.
    ...strangers.slice(1).map((address) => `ip route replace table local local ${address} dev lo src ${ADDRESSES.own}`),
    `printf 'nameserver ${ADDRESSES.resolver}\\n' > etc/resolv.conf`,
  ];
}

/** One thing that arrived. */
export interface Arrival {
  readonly at: 'exfiltration' | 'payload' | 'shell' | 'pool' | 'foreign-dns' | 'dns' | 'database' | 'partner';
  /** The first bytes, or the name that was asked for. */
  readonly text: string;
}

function tell(at: Arrival['at'], text: string): void {
  process.stdout.write(`${JSON.stringify({ at, text: text.slice(0, 8000) })}\n`);
}

async function listen(host: string, port: number, serve: (socket: Socket) => void): Promise<void> {
  for (let attempt = 0; attempt < 100; attempt += 1) {
    const server = createServer((socket) => {
      socket.on('error', () => socket.destroy());
      serve(socket);
    });
    const bound = await new Promise<boolean>((done) => {
      server.once('error', () => done(false)).listen(port, host, () => done(true));
    });
    if (bound) return;
    await sleep(50); // the address is not there yet
  }
  throw new Error(`cannot listen on ${host}:${port}`);
}

const SLOW_MS = 1500;

/** Answers any HTTP request with 200; `/payload` is a small ELF, and `/slow` takes a while. Anything else that arrives is kept as it is. */
function web(at: 'exfiltration' | 'partner'): (socket: Socket) => void {
  return (socket) => {
    socket.on('data', (chunk: Buffer) => {
      const text = chunk.toString('latin1');
      const isPayload = text.startsWith('GET /payload');
      tell(isPayload ? 'payload' : at, text);
      if (!/^(?:GET|POST|PUT) /u.test(text)) return;
      const waitMs = text.startsWith('GET /slow') ? SLOW_MS : 0;
      const body = isPayload ? readFileSync('/usr/bin/sleep') : Buffer.from('{}');
      const head = `HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\nConnection: ${isPayload ? 'close' : 'keep-alive'}\r\n\r\n`;
      setTimeout(() => socket.write(Buffer.concat([Buffer.from(head), body]), () => isPayload && socket.end()), waitMs);
    });
  };
}

/** Keeps the connection, and writes `greeting` to it if there is one. */
function keep(at: Arrival['at'], greeting: string): (socket: Socket) => void {
  return (socket) => {
    tell(at, 'connected');
    if (greeting !== '') socket.write(greeting);
    socket.on('data', (chunk: Buffer) => tell(at, chunk.toString('latin1')));
  };
}

/** Answers every question with one address after 40 ms. RFC 1035 section 4.1. */
async function resolver(at: 'dns' | 'foreign-dns', host: string): Promise<void> {
  const socket = createSocket('udp4');
  socket.on('message', (question, from) => {
    tell(
      at,
      question
        .subarray(12)
        .toString('latin1')
        .replaceAll(/[^\w-]/gu, '.'),
    );
    const end = question.indexOf(0, 12) + 5;
    const header = Buffer.from([question[0] ?? 0, question[1] ?? 0, 0x81, 0x80, 0, 1, 0, 1, 0, 0, 0, 0]);
    const address = Buffer.from([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 198, 51, 100, 20]);
    setTimeout(
      () => socket.send(Buffer.concat([header, question.subarray(12, end), address]), from.port, from.address),
      40,
    );
  });
  socket.on('error', () => undefined);
  for (let attempt = 0; attempt < 100; attempt += 1) {
    const bound = await new Promise<boolean>((done) => {
      socket.once('error', () => done(false)).bind(53, host, () => done(true));
    });
    if (bound) return;
    await sleep(50);
  }
  throw new Error(`cannot listen on ${host}:53`);
}

/** The way of the platform into the sandbox. */
async function listenInward(path: string): Promise<void> {
  const server = createServer((caller) => {
    caller.on('error', () => caller.destroy());
    caller.once('data', (head: Buffer) => {
      const end = head.indexOf('\n');
      const inside = connect(Number(head.subarray(0, end).toString()), '127.0.0.1').on('error', () => caller.destroy());
      inside.write(head.subarray(end + 1));
      caller
        .on('close', () => inside.destroy())
        .pipe(inside)
        .pipe(caller);
    });
  });
  await new Promise<void>((done) => server.listen(path, done));
}

async function serve(apiSocket: string, inward: string): Promise<void> {
  const { attacker, pool, rented, foreignResolver, database, partner } = ADDRESSES;
  const port = Number(RUNTIME_API.split(':')[1]);
  await Promise.all([
    listenInward(inward),
    listen('127.0.0.1', port, (socket) => {
      const api = connect(apiSocket).on('error', () => socket.destroy());
      socket
        .on('close', () => api.destroy())
        .pipe(api)
        .pipe(socket);
    }),
    listen(attacker, 443, web('exfiltration')),
    listen(attacker, 4444, keep('shell', 'id; echo shell-is-here\n')),
    listen(rented, 443, web('partner')),
    listen(rented, 4444, keep('shell', 'id; echo shell-is-here\n')),
    listen(pool, 3333, keep('pool', '')),
    listen(database, 5432, keep('database', '')),
    listen(partner, 443, web('partner')),
    resolver('foreign-dns', foreignResolver),
    resolver('dns', ADDRESSES.resolver),
  ]);
  process.stdout.write('{"at":"ready"}\n');
}

if (import.meta.main) await serve(process.argv[2] ?? '', process.argv[3] ?? '');
