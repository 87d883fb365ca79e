/** Servers that begin to listen. */
import { origin } from '../origin.ts';
import { member, textIn, type Hook } from './hook.ts';

export const listeners: Hook = {
  name: 'listeners',
  description: 'servers that begin to listen, with address and port or path',
  kinds: ['listen'],
  arm: ({ recorder, subscribe }) => {
    subscribe('tracing:net.server.listen:asyncEnd', (message) => {
      const server = member(message, 'server') as { address?: () => unknown } | undefined;
      const at = server?.address?.();
      if (typeof at === 'string') recorder.put('listen', `unix:${at.replaceAll('\0', '@')}`, { origin });
      else recorder.put('listen', `${textIn(member(at, 'address'))}:${String(member(at, 'port'))}`, { origin });
    });
  },
};
