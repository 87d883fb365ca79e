/** Servers that keep a client waiting: one accepts and never answers, one is never reached. */
import { spawn } from 'node:child_process';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

export interface Silent {
  readonly endpoint: string;
  /** Connections that were made. */
  readonly connections: () => number;
  readonly stop: () => Promise<void>;
}

/** Accepts connections, reads, says nothing. */
export async function silentServer(): Promise<Silent> {
  const sockets = new Set<Socket>();
  let count = 0;
  const server = createServer((socket) => {
    count += 1;
    sockets.add(
      socket
        .on('error', () => undefined)
        .on('close', () => sockets.delete(socket))
        .resume(),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    endpoint: `http://127.0.0.1:${String((server.address() as AddressInfo).port)}`,
    connections: () => count,
    stop: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/**
 * Packets to it are dropped, as by a security group: a stopped process whose queue of connections is full (listen(2):
 * on overflow the kernel ignores further attempts, and the client tries again until it gives up).
 */
export async function unreachedServer(): Promise<Silent> {
  const program = `const s = require('net').createServer(); s.listen({ port: 0, host: '127.0.0.1', backlog: 1 }, () => { console.log(s.address().port); });`;
  const child = spawn(process.execPath, ['-e', program], { stdio: ['ignore', 'pipe', 'inherit'] });
  const port = await new Promise<number>((resolve) =>
    child.stdout.once('data', (chunk: Buffer) => resolve(Number(chunk.toString()))),
  );
  child.kill('SIGSTOP');
  const fillers: Socket[] = [];
  for (let count = 0; count < 16; count += 1)
    fillers.push(connect({ port, host: '127.0.0.1' }).on('error', () => undefined));
  await new Promise((resolve) => setTimeout(resolve, 300));
  return {
    endpoint: `http://127.0.0.1:${String(port)}`,
    connections: () => 0,
    stop: async () => {
      for (const filler of fillers) filler.destroy();
      const gone = new Promise((resolve) => child.once('exit', resolve));
      child.kill('SIGKILL');
      await gone;
    },
  };
}
