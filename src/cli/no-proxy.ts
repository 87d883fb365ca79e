/** NO_PROXY: which hosts are asked directly. The grammar is that of curl(1), and networks as Go reads them. */
import { BlockList, isIP } from 'node:net';

/** `host` and `port` of the request; `list` as the variable has it. */
export function isExcluded(list: string, host: string, port: number): boolean {
  const asked = bare(host);
  return list.split(/[\s,]+/u).some((entry) => entry !== '' && fits(entry.toLowerCase(), asked, port));
}

function fits(entry: string, host: string, port: number): boolean {
  if (entry === '*') return true;
  if (entry.includes('/')) return isWithin(entry, host);
  const [, name = entry, only] = /^(\[[^\]]*\]|[^:]*):(\d{1,5})$/u.exec(entry) ?? [];
  if (only !== undefined && Number(only) !== port) return false;
  const wanted = bare(name.replace(/^\*?\.(?=.)/u, ''));
  if (wanted === '') return false;
  return host === wanted || (isIP(host) === 0 && host.endsWith(`.${wanted}`));
}

/** An address in a network, `10.0.0.0/8`. */
function isWithin(network: string, host: string): boolean {
  const [, address = '', length = ''] = /^(.+)\/(\d{1,3})$/u.exec(network) ?? [];
  const family = isIP(bare(address));
  if (family === 0 || family !== isIP(host) || Number(length) > (family === 4 ? 32 : 128)) return false;
  const type = family === 4 ? 'ipv4' : 'ipv6';
  const list = new BlockList();
  list.addSubnet(bare(address), Number(length), type);
  return list.check(host, type);
}

/** Without the brackets of an IPv6 address and the dot of the root. */
const bare = (host: string): string =>
  host
    .toLowerCase()
    .replace(/^\[(.*)\]$/u, '$1')
    .replace(/\.$/u, '');
