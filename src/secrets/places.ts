/** Secrets that show themselves by what stands beside them: credentials in a URL, behind a scheme, behind a key id. */
import { secretParts } from './argv.ts';
import type { Cover } from './cover.ts';
import { unescape } from './escapes.ts';
import { hideBasic, openBasic } from './headers.ts';
import type { Finder } from './hits.ts';
import { holdsMark, isMark } from './mark.ts';
import { isUuid, looksRandom } from './values.ts';
import type { Hit } from './hit.ts';

export interface PlaceRule {
  readonly leads: readonly string[];
  readonly find: Finder;
  /** It looks at the rest of its line, so it is asked once a line. */
  readonly takesLine?: true;
}

const NONE: readonly Hit[] = [];
const spelled = (words: readonly string[], ends: readonly string[]): string[] =>
  words
    .flatMap((word) => [word, `${word[0]?.toUpperCase() ?? ''}${word.slice(1)}`, word.toUpperCase()])
    .flatMap((word) => ends.map((end) => word + end));
const BLANKS = [' ', '+', '%20'];

/** In the order in which they are asked. */
export const PLACES: readonly PlaceRule[] = [
  { leads: ['://'], find: userInfo },
  { leads: spelled(['bearer'], BLANKS), find: bearer },
  { leads: spelled(['basic'], BLANKS), find: basic },
  { leads: ['AKIA', 'ASIA'], find: secretOfPair },
  {
    leads: [
      'curl ',
      'wget ',
      'mysql ',
      'mysqldump ',
      'mysqladmin ',
      'mariadb ',
      'sshpass ',
      'redis-cli ',
      'mongosh ',
      'mongo ',
      'mongodump ',
      'docker login ',
      'podman login ',
      'sqlcmd ',
      'zip -',
      '7z a ',
      'ldapsearch ',
      'smbclient ',
      'openssl ',
      'lftp ',
    ],
    find: command,
    takesLine: true,
  },
  { leads: ['login ', 'login\t', 'account '], find: netrc },
];

/** `scheme://user:password@host`, or a token alone in front of the `@`. Up to the last `@` of the authority. */
const USER_INFO = /([^\s:/?#@"'`<>\\]{0,1024})(?::([^\s/?#"`\\]{1,16384}))?@/y;

function userInfo(text: string, _at: number, behind: number, cover: Cover): readonly Hit[] {
  USER_INFO.lastIndex = behind;
  const [all, user = '', password] = USER_INFO.exec(text) ?? [];
  if (all === undefined) return NONE;
  const end = behind + all.length - 1;
  if (password !== undefined) {
    if (isMark(password) || (user === '' && password === '')) return NONE;
    return [{ start: end - password.length, end, mark: cover.hide(password, 'url-password', unescape(password)) }];
  }
  return looksRandom(user) || isUuid(user)
    ? [{ start: behind, end, mark: cover.hide(user, 'url-user', unescape(user)) }]
    : NONE;
}

const TOKEN = /(?:[ +]|%20){0,3}([\w.~+/=%-]{8,16384})/y;

function bearer(text: string, at: number, behind: number, cover: Cover): readonly Hit[] {
  if (/\w/u.test(text[at - 1] ?? '')) return NONE;
  TOKEN.lastIndex = behind;
  const [all, token] = TOKEN.exec(text) ?? [];
  if (all === undefined || token === undefined || !isTokenLike(token)) return NONE;
  const end = behind + all.length;
  return [{ start: end - token.length, end, mark: cover.hide(token, 'bearer', unescape(token)) }];
}

/** Prose says "bearer authentication"; a token has digits or is long. */
function isTokenLike(token: string): boolean {
  return !holdsMark(token) && (/\d/u.test(token) || token.length > 24 || /[A-Z][a-z]{0,4}[A-Z]/u.test(token));
}

/** So much is decoded to see whether it is a pair. */
const PAIR = /(?:[ +]|%20){0,3}([A-Za-z0-9+/_-]{8,2048}={0,2})/y;
const REST_OF_PAIR = /[A-Za-z0-9+/_-]{8,65536}={0,2}/y;

function basic(text: string, _at: number, behind: number, cover: Cover): readonly Hit[] {
  PAIR.lastIndex = behind;
  const [all, pair] = PAIR.exec(text) ?? [];
  const opened = pair === undefined ? undefined : openBasic(pair);
  if (all === undefined || pair === undefined || opened === undefined || holdsMark(opened)) return NONE;
  const start = behind + all.length - pair.length;
  REST_OF_PAIR.lastIndex = start;
  const whole = REST_OF_PAIR.exec(text)?.[0] ?? pair;
  return [{ start, end: start + whole.length, mark: hideBasic(whole, cover) }];
}

/** An AWS secret access key right behind the id of its pair. The id is kept. */
const KEY_PAIR = /[A-Z0-9]{16}[^A-Za-z0-9+/<]{1,12}([A-Za-z0-9+/]{40})(?![A-Za-z0-9+/=])/y;

function secretOfPair(text: string, _at: number, behind: number, cover: Cover): readonly Hit[] {
  KEY_PAIR.lastIndex = behind;
  const [all, key] = KEY_PAIR.exec(text) ?? [];
  if (all === undefined || key === undefined) return NONE;
  const end = behind + all.length;
  return [{ start: end - key.length, end, mark: cover.hide(key, 'aws-secret-key') }];
}

/**
 * `login NAME password SECRET` of .netrc
 * (https://www.gnu.org/software/inetutils/manual/html_node/The-_002enetrc-file.html).
 */
const NETRC = /[ \t]{0,8}[^\s"']{1,128}(?:\s|\\n){1,16}(?:password|passwd)[ \t]{1,8}([^\s"'\\]{1,512})/y;

function netrc(text: string, _at: number, behind: number, cover: Cover): readonly Hit[] {
  NETRC.lastIndex = behind;
  const [all, secret] = NETRC.exec(text) ?? [];
  if (all === undefined || secret === undefined || isMark(secret)) return NONE;
  const end = behind + all.length;
  return [{ start: end - secret.length, end, mark: cover.hide(secret, 'netrc') }];
}

export const LONGEST_LINE = 4096;
const LINE = new RegExp(`[^\\r\\n]{2,${LONGEST_LINE}}`, 'y');

/** A command line in a log: what its options hold is known by its program (programs.ts). */
function command(text: string, at: number, behind: number, cover: Cover): readonly Hit[] {
  if (/[\w.-]/u.test(text[at - 1] ?? '')) return NONE;
  LINE.lastIndex = behind;
  const rest = LINE.exec(text)?.[0] ?? '';
  const line = text.slice(at, behind) + rest;
  if (!rest.includes('-')) return NONE;
  const next = text[behind + rest.length];
  if (next !== undefined && next !== '\n' && next !== '\r') cover.note('limit:line', { count: 1, of: 'texts' });
  const parts = secretParts(['sh', line], (_, which, left) => cover.note(`limit:${which}`, left));
  return (parts[1] ?? [])
    .filter(({ start, end, cookie }) => cookie !== true && !holdsMark(line.slice(start, end)))
    .map(({ start, end, name }) => ({
      start: at + start,
      end: at + end,
      mark: cover.hide(line.slice(start, end), name),
    }));
}
