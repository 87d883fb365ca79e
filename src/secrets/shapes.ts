/**
 * Secrets that show themselves by their shape, wherever they stand. A new shape is one line in the table.
 *
 * The attacker writes the text, so every pattern is linear: it begins with letters that are rare, its runs are of one
 * character class, and where two runs follow each other the first may not begin in the middle of such a run.
 */
import type { Cover } from './cover.ts';
import { decodeBackslash, decodePercent } from './escapes.ts';
import { holdsMark, isMark } from './mark.ts';
import { isUuid, looksRandom } from './values.ts';

interface Shape {
  readonly name: string;
  /** Case-sensitive source of the whole secret, without capture groups. */
  readonly pattern: string;
  /** A further check that a regular expression cannot make. */
  readonly accept?: (found: string) => boolean;
  /** So many characters in front belong to the neighbour. */
  readonly lead?: number;
}

/** Not behind a character of the same run; the end of an escape (`%3D`, `\n`) is no part of a run. */
const fresh = (lead: string, run: string): string => `${lead}(?<!(?<!%[0-9A-Fa-f]|\\\\)[${run}]${lead})`;

const mixed = (found: string): boolean => /\d/u.test(found) && /[A-Z]/u.test(found);

// prettier-ignore
const SHAPES: readonly Shape[] = [
  { name: 'jwt', pattern: `${fresh('eyJ', '\\w-')}[\\w-]{8,}\\.[\\w-]{8,}(?:\\.[\\w-]*){0,3}` },
  { name: 'private-key', pattern: '-----BEGIN(?:[ +]|%20)(?:[A-Z0-9]{1,12}(?:[ +]|%20)){0,4}PRIVATE(?:[ +]|%20)KEY(?:(?:[ +]|%20)BLOCK)?-----(?:[A-Za-z0-9+/=\\s\\\\:,.%]|-(?!----)){0,65536}(?:-----END(?:[ +]|%20)[A-Z0-9 +%]{1,60}-----)?' },
  { name: 'private-key', pattern: 'LS0tLS1CRUdJTi[A-Za-z0-9+/=_-]{40,}', accept: (found) => Buffer.from(found.slice(0, 80), 'base64').includes('PRIVATE KEY') },
  { name: 'aws-session-token', pattern: '(?:IQoJb3JpZ2lu|FwoGZXIvYXdz|FQoGZXIvYXdz|FQoDYXdz)[A-Za-z0-9+/=_%-]{40,}' },
  { name: 'github-token', pattern: '(?:gh[pousr]_[A-Za-z0-9]{30,}|github_pat_\\w{22,})' },
  { name: 'gitlab-token', pattern: 'gl(?:pat|dt|rt|soat|cbt|ptt|ft|imt|agent)-[\\w-]{20,}' },
  { name: 'npm-token', pattern: 'npm_[A-Za-z0-9]{36,}' },
  { name: 'pypi-token', pattern: 'pypi-AgE[\\w-]{50,}' },
  { name: 'slack-token', pattern: '(?:xox[abceoprs]-|xapp-\\d-)[\\w-]{10,}' },
  { name: 'slack-webhook', pattern: 'hooks\\.slack\\.com/(?:services|workflows|triggers)/[\\w/-]{20,}' },
  { name: 'discord-webhook', pattern: '/api/webhooks/\\d{15,20}/[\\w-]{40,}' },
  { name: 'stripe-key', pattern: '(?:[srp]k_(?:live|test)_[A-Za-z0-9]{16,}|whsec_[A-Za-z0-9+/=]{24,})' },
  { name: 'openai-key', pattern: `${fresh('sk-', 'A-Za-z0-9')}[\\w-]{20,}`, accept: mixed },
  { name: 'google-key', pattern: '(?:AIza[\\w-]{35}|GOCSPX-[\\w-]{24,}|ya29\\.[\\w-]{20,})' },
  { name: 'sendgrid-key', pattern: `${fresh('SG\\.', '\\w-')}[\\w-]{16,}\\.[\\w-]{16,}` },
  { name: 'telegram-token', pattern: ':AA(?<=\\d{8,10}:AA)[\\w-]{33}', lead: 1 },
  { name: 'vault-token', pattern: 'hv[sbr]\\.[\\w-]{24,}' },
  { name: 'docker-token', pattern: 'dckr_(?:pat|oat)_[\\w-]{20,}' },
  { name: 'huggingface-token', pattern: 'hf_[A-Za-z]{30,}' },
  { name: 'shopify-token', pattern: 'shp(?:at|ca|pa|ss)_[0-9a-fA-F]{32}' },
  { name: 'digitalocean-token', pattern: 'do[por]_v1_[0-9a-f]{64}' },
  { name: 'databricks-token', pattern: 'dapi[0-9a-f]{32}' },
  { name: 'atlassian-token', pattern: 'ATATT3[\\w=-]{30,}' },
  { name: 'grafana-token', pattern: 'gl(?:sa|c)_[A-Za-z0-9_=]{32,}' },
  { name: 'newrelic-key', pattern: 'NRAK-[A-Z0-9]{27}' },
  { name: 'linear-key', pattern: 'lin_(?:api|oauth)_[A-Za-z0-9]{32,}' },
  { name: 'mailgun-key', pattern: `${fresh('key-', 'A-Za-z0-9')}[0-9a-f]{32}` },
  { name: 'age-identity', pattern: 'AGE-SECRET-KEY-(?:PQ-)?1[A-Z0-9]{20,}' },
];

const ALL = new RegExp(SHAPES.map(({ pattern }) => `(${pattern})`).join('|'), 'g');

/** An AWS secret access key right behind the id of its pair. The id is kept. */
const KEY_PAIR = /(A[KS]IA[A-Z0-9]{16}[^A-Za-z0-9+/<]{1,12})([A-Za-z0-9+/]{40})(?![A-Za-z0-9+/=])/gu;
/** `scheme://user:password@host`, or a token alone in front of the `@`. Up to the last `@` of the authority. */
const USER_INFO = /(:\/\/)([^\s:/?#@"'`<>\\]{0,1024})(?::([^\s/?#"`\\]{1,16384}))?@/g;
const SCHEMED = /(bearer(?:[ +]|%20){1,4})([\w.~+/=%-]{8,})|(basic(?:[ +]|%20){1,4})([A-Za-z0-9+/]{8,}={0,2})/giu;

/** `://:a@` with a scheme is the shortest. */
const LEAST_SHAPE = 8;
/** `xoxb-` and 10 characters is the shortest of the table. */
const LEAST_TOKEN = 15;

/** The text with every secret hidden that has a shape of its own. */
export function hideShapes(text: string, cover: Cover): string {
  if (text.length < LEAST_SHAPE) return text;
  let shown = text.length < LEAST_TOKEN ? text : text.replace(ALL, (found: string, ...rest: unknown[]) => {
    const shape = SHAPES[rest.findIndex((group) => group !== undefined)];
    if (shape === undefined || shape.accept?.(found) === false) return found;
    const secret = found.slice(shape.lead ?? 0);
    return found.slice(0, shape.lead ?? 0) + cover.hide(secret, shape.name, plainly(secret));
  });
  if (shown.includes('IA')) shown = shown.replace(KEY_PAIR, (_all, id: string, key: string) => id + cover.hide(key, 'aws-secret-key'));
  if (shown.includes('://')) shown = shown.replace(USER_INFO, (all: string, lead: string, user: string, password?: string) => hideUserInfo(all, [lead, user, password], cover));
  if (!shown.includes(' ') && !shown.includes('+') && !shown.includes('%20')) return shown;
  return shown.replace(SCHEMED, (all: string, bearer?: string, token?: string, basic?: string, pair?: string) => {
    if (bearer !== undefined && token !== undefined) return isTokenLike(token) ? bearer + cover.hide(token, 'bearer', unescape(token)) : all;
    const opened = basic === undefined || pair === undefined ? undefined : openBasic(pair);
    if (basic === undefined || pair === undefined || opened === undefined) return all;
    return basic + hideBasic(pair, cover);
  });
}

function hideUserInfo(all: string, [lead, user, password]: readonly [string, string, string | undefined], cover: Cover): string {
  if (password !== undefined) {
    if (isMark(password) || (user === '' && password === '')) return all;
    return `${lead}${user}:${cover.hide(password, 'url-password', unescape(password))}@`;
  }
  return looksRandom(user) || isUuid(user) ? `${lead}${cover.hide(user, 'url-user', unescape(user))}@` : all;
}

/** Without the escapes of a URL or of JSON around it. */
function plainly(found: string): string {
  return found.includes('\\') ? (decodeBackslash(found)?.text ?? found) : unescape(found);
}

/** What percent escapes stand for, where they spell valid UTF-8; else the text itself. */
export function unescape(text: string): string {
  const bytes = decodePercent(text)?.text;
  if (bytes === undefined) return text;
  const decoded = Buffer.from(bytes, 'latin1').toString('utf8');
  return decoded.includes('\ufffd') ? bytes : decoded;
}

/** Prose says "bearer authentication"; a token has digits or is long. */
function isTokenLike(token: string): boolean {
  return !holdsMark(token) && (/\d/u.test(token) || token.length > 24 || /[A-Z][a-z]{0,4}[A-Z]/u.test(token));
}

/** `user:password` out of the base64 of Basic authentication (RFC 7617), or undefined if it is something else. */
function openBasic(pair: string): string | undefined {
  const text = Buffer.from(pair, 'base64').toString('utf8');
  return /^[^\u0000-\u001f\ufffd:]{0,256}:[^\u0000-\u001f\ufffd]{0,1024}$/u.test(text) ? text : undefined;
}

/** Hides a Basic credential; the password in it is learned as well. */
export function hideBasic(pair: string, cover: Cover): string {
  const opened = openBasic(pair);
  if (opened !== undefined) cover.hide(opened.slice(opened.indexOf(':') + 1), 'basic');
  return cover.hide(pair, 'basic');
}
