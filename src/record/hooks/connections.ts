/** Connections that are opened, and datagrams that are sent: the address and port that the kernel is given. */
import { origin } from '../origin.ts';
import type { Hook, HookScope } from './hook.ts';
import { textIn } from './hook.ts';

export const connections: Hook = {
  name: 'connections',
  description: 'connections by TCP and unix sockets, with address and port',
  kinds: ['connect'],
  arm: (scope) => {
    const { recorder, subscribe, before } = scope;
    // A connection to a name is opened after a wait: the code that asked for it is seen where the socket is made.
    const asked = new WeakMap<object, readonly string[]>();
    subscribe('net.client.socket', (message) => {
      const { socket } = message as { socket?: unknown };
      if (typeof socket === 'object' && socket !== null) asked.set(socket, origin());
    });
    const tell = (to: string, handle: unknown): void => {
      recorder.put('connect', to, { origin: () => asked.get(ownerOf(handle) ?? {}) ?? origin() });
    };
    for (const name of ['connect', 'connect6'])
      before('tcp_wrap', `TCP.prototype.${name}`, ([, address, port], self) => {
        tell(addressText(address, port), self);
        return undefined;
      });
    before('pipe_wrap', 'Pipe.prototype.connect', ([, path], self) => {
      tell(`unix:${textIn(path).replaceAll('\0', '@')}`, self);
      return undefined;
    });
  },
};

export const datagrams: Hook = {
  name: 'datagrams',
  description: 'datagrams by UDP, with address and port',
  kinds: ['datagram'],
  arm: (scope) => {
    let isArmed = false;
    // Its binding is loaded with node:dgram, which most functions never use.
    scope.subscribe('udp.socket', () => {
      if (!isArmed) armDatagrams(scope);
      isArmed = true;
    });
  },
};

function armDatagrams({ recorder, before }: HookScope): void {
  for (const name of ['send', 'send6'])
    before('udp_wrap', `UDP.prototype.${name}`, (args) => {
      const [, , , port, address] = args;
      // A connected socket names neither.
      if (typeof address === 'string') recorder.put('datagram', addressText(address, port), { origin });
      return undefined;
    });
  for (const name of ['connect', 'connect6'])
    before('udp_wrap', `UDP.prototype.${name}`, ([address, port]) => {
      recorder.put('datagram', addressText(address, port), { origin });
      return undefined;
    });
}

/** The socket of a handle (lib/internal/async_hooks.js: owner_symbol). */
function ownerOf(handle: unknown): object | undefined {
  if (typeof handle !== 'object' || handle === null) return undefined;
  const key = Object.getOwnPropertySymbols(handle).find(({ description }) => description === 'owner_symbol');
  const owner = key === undefined ? undefined : (handle as Record<symbol, unknown>)[key];
  return typeof owner === 'object' && owner !== null ? owner : undefined;
}

function addressText(address: unknown, port: unknown): string {
  const host = textIn(address);
  return `${host.includes(':') ? `[${host}]` : host}:${typeof port === 'number' ? port : 0}`;
}
