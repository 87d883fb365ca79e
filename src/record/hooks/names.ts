/** Names that are looked up, by getaddrinfo and by queries of DNS. */
import { origin } from '../origin.ts';
import { namedHost } from '../withheld.ts';
import { textIn, type Hook } from './hook.ts';

const QUERIES = ['A', 'Aaaa', 'Any', 'Cname', 'Mx', 'Ns', 'Ptr', 'Soa', 'Srv', 'Txt'];

export const names: Hook = {
  name: 'names',
  description: 'names that are looked up: the domain and the length of the name, with `paths` the name',
  kinds: ['resolve'],
  arm: ({ recorder, whole, before }) => {
    const tell = (type: string, name: unknown): undefined => {
      const { host, detail } = namedHost(textIn(name), { whole });
      recorder.put('resolve', host, { detail: { type, ...detail }, origin });
      return undefined;
    };
    before('cares_wrap', 'getaddrinfo', ([, name]) => tell('address', name));
    for (const type of QUERIES)
      before('cares_wrap', `ChannelWrap.prototype.query${type}`, ([, name]) => tell(type.toLowerCase(), name));
  },
};
