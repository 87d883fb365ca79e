/** What kind of place an address is, seen from a Lambda sandbox. */
import { AWS_NETWORKS } from './aws-networks.ts';

/**
 * `local`: this sandbox. `private`: a VPC, link-local (DNS, metadata), unique local. `aws`: Amazon's public addresses.
 * `public`: all others.
 */
export type Place = 'local' | 'private' | 'aws' | 'public';

/** Amazon's IPv6 space, by its longest common beginnings in ip-ranges.json. */
const AWS_V6 = [
  '2600:1f',
  '2406:da',
  '2a05:d0',
  '2600:90',
  '2600:f0',
  '2400:7f',
  '2404:c2',
  '240f:80',
  '2606:7b4',
] as const;

/** RFC 1918, 6598, 3927 and 5735. */
const PRIVATE = ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', '100.64.0.0/10', '169.254.0.0/16'] as const;

let networks: ReadonlyMap<number, number> | undefined;

/** Tells where an address (as parseInet writes it) lies. An unspecified address is `local`. */
export function placeOf(address: string): Place {
  const text = plain(address);
  const number = ipv4(text);
  if (number === undefined) return placeOfV6(text);
  if (number === 0 || inside(number, '127.0.0.0/8')) return 'local';
  if (PRIVATE.some((network) => inside(number, network))) return 'private';
  return isAws(number) ? 'aws' : 'public';
}

function placeOfV6(text: string): Place {
  if (text === '::' || text === '::1') return 'local';
  if (/^(?:f[cd]|fe[89ab])/u.test(text)) return 'private';
  return AWS_V6.some((start) => text.startsWith(start)) ? 'aws' : 'public';
}

/**
 * True if `address` is in `network`: an address, or one with `/bits`. Of IPv6 only the same text and a text before `*`.
 */
export function inNetwork(address: string, network: string): boolean {
  const text = plain(address);
  const number = ipv4(text);
  if (number !== undefined && network.includes('/')) return inside(number, network);
  return network.endsWith('*') ? text.startsWith(network.slice(0, -1)) : text === plain(network);
}

/** An IPv4 address that is written as IPv6 (RFC 4291 section 2.5.5.2) is the IPv4 address. */
function plain(address: string): string {
  return address.startsWith('::ffff:') && address.includes('.') ? address.slice('::ffff:'.length) : address;
}

function ipv4(text: string): number | undefined {
  const parts = text.split('.');
  if (parts.length !== 4) return undefined;
  let number = 0;
  for (const part of parts) {
    const byte = Number(part);
    if (!/^\d{1,3}$/u.test(part) || byte > 255) return undefined;
    number = number * 256 + byte;
  }
  return number;
}

function inside(number: number, network: string): boolean {
  const [base = '', bits = '32'] = network.split('/');
  const start = ipv4(base);
  const length = Number(bits);
  if (start === undefined || !Number.isInteger(length) || length < 0 || length > 32) return false;
  const size = 2 ** (32 - length);
  return Math.floor(number / size) === Math.floor(start / size);
}

function isAws(number: number): boolean {
  networks ??= readNetworks();
  for (let bits = 8; bits <= 20; bits += 1) {
    const start = number - (number % 2 ** (32 - bits));
    if (networks.get(start) === bits) return true;
  }
  return false;
}

function readNetworks(): Map<number, number> {
  const bytes = Buffer.from(AWS_NETWORKS, 'base64');
  const found = new Map<number, number>();
  for (let at = 0; at + 4 <= bytes.length; at += 4) found.set(bytes.readUIntBE(at, 3) * 256, bytes[at + 3] ?? 32);
  return found;
}
