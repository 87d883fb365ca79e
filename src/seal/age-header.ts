/**
 * Reads the header of an age v1 file (https://age-encryption.org/v1, ABNF of the header). Strict: what it refuses, age
 * refuses.
 */
import { AmberError } from '../errors.ts';
import { decode64, VERSION_LINE } from './age-crypto.ts';

/** Longest header that is read: more than 400 recipients. The format sets no limit, so a hostile file could. */
export const HEADER_LIMIT = 65_536;

export interface AgeStanza {
  readonly type: string;
  readonly arguments: readonly string[];
  readonly body: Uint8Array;
}

export interface AgeHeader {
  readonly stanzas: readonly AgeStanza[];
  /** What the MAC covers: everything up to and including `---`. */
  readonly signed: Uint8Array;
  readonly mac: Uint8Array;
  /** Bytes of the whole header. */
  readonly length: number;
}

function corrupt(what: string): AmberError {
  return new AmberError('ARCHIVE_CORRUPT', `The age header is damaged: ${what}.`);
}

/**
 * Parses the header at the start of `bytes`.
 *
 * @returns undefined while its end has not arrived.
 * @throws AmberError ARCHIVE_CORRUPT if this cannot become an age v1 header.
 */
export function parseHeader(bytes: Uint8Array): AgeHeader | undefined {
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.byteLength, HEADER_LIMIT));
  const start = view.toString('latin1', 0, VERSION_LINE.length + 1);
  if (!`${VERSION_LINE}\n`.startsWith(start)) {
    const armored = '-----BEGIN AGE ENCRYPTED FILE-----'.startsWith(start.slice(0, 14)) && start.length >= 14;
    throw corrupt(
      armored ? 'it is armored; decode it to binary first' : 'it does not begin with age-encryption.org/v1',
    );
  }
  // A body line is base64 and an argument line begins with "->", so the first line with "---" is the MAC line.
  const macLine = view.indexOf('\n---');
  const end = macLine < 0 ? -1 : view.indexOf('\n', macLine + 1);
  if (end < 0) {
    if (view.length === HEADER_LIMIT) throw corrupt(`no end within ${HEADER_LIMIT} bytes`);
    return undefined;
  }
  const mac = /^--- ([A-Za-z0-9+/]{43})$/u.exec(view.toString('latin1', macLine + 1, end))?.[1];
  const decoded = mac === undefined ? undefined : decode64(mac);
  if (decoded === undefined) throw corrupt('its MAC line is malformed');
  const lines = view.toString('latin1', 0, macLine).split('\n').slice(1);
  return { stanzas: parseStanzas(lines), signed: view.subarray(0, macLine + 4), mac: decoded, length: end + 1 };
}

function parseStanzas(lines: readonly string[]): AgeStanza[] {
  const stanzas: AgeStanza[] = [];
  for (let at = 0; at < lines.length; ) {
    const words = /^-> ([!-~]+(?: [!-~]+)*)$/u.exec(lines[at++] ?? '')?.[1]?.split(' ');
    const [type, ...rest] = words ?? [];
    if (type === undefined) throw corrupt('a recipient line is malformed');
    let body = '';
    let line: string | undefined;
    do {
      line = lines[at++];
      if (line === undefined || line.length > 64) throw corrupt('the body of a recipient stanza is malformed');
      body += line;
    } while (line.length === 64);
    const decoded = decode64(body);
    if (decoded === undefined) throw corrupt('the body of a recipient stanza is not canonical base64');
    stanzas.push({ type, arguments: rest, body: decoded });
  }
  if (stanzas.length === 0) throw corrupt('it has no recipient');
  return stanzas;
}
