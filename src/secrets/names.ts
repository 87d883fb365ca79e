/** Judges a variable, key or option by its name, and by its value where the name alone could mislead. */
import { isArn, isEmptyValue, isPlain, isPrincipalId, isUuid, looksRandom } from './values.ts';

/** Session credentials of the execution role: never kept, whatever they look like. */
const ALWAYS: ReadonlySet<string> = new Set([
  'awssecretaccesskey',
  'awssessiontoken',
  'awssecuritytoken',
  'awscontainerauthorizationtoken',
]);

/**
 * Names of the platform and of Amber that hold no secret: reserved and runtime variables
 * (https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html) and what a shell sets.
 * Their values are still searched for secrets by shape.
 */
// biome-ignore format: a table, several words a line
const HARMLESS = new RegExp(`^(?:${[
  'AWS_LAMBDA_\\w{0,60}', 'AWS_(?:DEFAULT_)?REGION', 'AWS_ACCESS_KEY_ID', 'AWS_EXECUTION_ENV', 'AWS_XRAY_\\w{0,60}',
  '_X_AMZN_TRACE_ID', '_HANDLER', 'LAMBDA_TASK_ROOT', 'LAMBDA_RUNTIME_DIR', 'AMBER_\\w{0,60}', 'access_?key_?id',
  'TZ', 'LANG', 'LC_\\w{0,20}', 'PATH', 'PWD', 'OLDPWD', 'HOME', 'SHLVL', '_', 'HOSTNAME', 'USER', 'LOGNAME', 'SHELL', 'TERM',
  'LD_\\w{0,40}', 'NODE_(?:PATH|ENV|OPTIONS|VERSION|EXTRA_CA_CERTS)', 'PYTHONPATH', 'RUBYLIB', 'GEM_(?:HOME|PATH)', 'CLASSPATH', 'JAVA_HOME', 'XDG_\\w{0,40}',
].join('|')})$`, 'u');
/** Of /proc/PID/status (proc_pid_status(5)): masks of signals, not signatures. */
const PROCFS = /^(?:SigQ|SigPnd|ShdPnd|SigBlk|SigIgn|SigCgt)$/u;
const HARMLESS_ANY_CASE = /^(?:aws_?)?access_?key_?id$/iu;
/** `Sid` of an IAM statement: in AddPermission it names the back door. Session ids are written in one case. */
const STATEMENT_ID = 'Sid';

/** Anywhere in the name, separators and case aside. */
// biome-ignore format: a table, several words a line
const STRONG = new RegExp([
  'secret', 'passw', 'passphrase', 'passcode', 'pwd', 'token', 'credential', 'authorization', 'signature', 'bearer',
  '(?:api|private|access|account|signing|encryption|master|shared|licen[cs]e|storage|deploy|service|webhook|client|crypt|session|cookie|admin|root|auth|hmac|aes|jwt)key',
  'identifiedby$',
  '(?:store|key|ssh|db|user|admin|root|ftp|smtp|mail|my|pg|proxy)pass$', 'connectionstring', 'connstr',
].join('|'), 'u');
/** As a whole word. */
// biome-ignore format: a table, several words a line
const WEAK: ReadonlySet<string> = new Set([
  'pass', 'psk', 'otp', 'totp', 'pin', 'sid', 'cred', 'creds', 'dsn', 'cookie', 'cookies', 'jwt', 'sas', 'sig', 'hmac', 'salt', 'pat', 'mnemonic', 'seed',
]);
/** As a whole word, unless the value is plain: `SESSION=dynamodb`, `AUTH=basic`. */
const DOUBTFUL: ReadonlySet<string> = new Set(['auth', 'oauth', 'session', 'sessions', 'mfa', 'webhook']);
/** As the last word: the setting is about a secret, unless its value says otherwise. */
// biome-ignore format: a table, several words a line
const ABOUT: ReadonlySet<string> = new Set([
  'arn', 'arns', 'name', 'names', 'id', 'ids', 'type', 'file', 'path', 'dir', 'url', 'uri', 'endpoint', 'host', 'port', 'domain', 'region', 'ttl', 'timeout', 'expiry', 'expires',
  'expiration', 'expire', 'expired', 'duration', 'seconds', 'ms', 'millis', 'days', 'minutes', 'hours', 'length', 'size', 'count', 'limit', 'max', 'min', 'enabled', 'disabled', 'enable', 'required',
  'header', 'prefix', 'suffix', 'issuer', 'audience', 'provider', 'store', 'table', 'bucket', 'queue', 'topic', 'mode', 'version', 'versions', 'algorithm', 'alg', 'format', 'context',
  'source', 'method', 'policy', 'rotation', 'manager', 'status', 'state', 'address', 'sock', 'driver', 'location', 'scope', 'scopes', 'stdin', 'attributes', 'date', 'at', 'time', 'index', 'stage', 'stages', 'field', 'console',
]);
/** The value of such a name is public or no secret at all, however random. */
// biome-ignore format: a table, several words a line
const IDENTIFYING: ReadonlySet<string> = new Set([...ABOUT, 'sha', 'sha1', 'sha256', 'md5', 'hash', 'digest', 'commit', 'revision', 'rev', 'build', 'etag', 'checksum', 'fingerprint', 'stream', 'group', 'pool', 'role', 'cluster', 'handler', 'function', 'recipient', 'image', 'layer', 'cursor', 'marker', 'uuid', 'guid', 'release', 'branch', 'package', 'module', 'ray', 'trace', 'traceparent', 'tracestate', 'span', 'ulid', 'ksuid', 'container', 'integrity', 'snapshot', 'asset', 'deployment', 'sid', 'etag', 'cuid', 'nanoid', 'typeid', 'xid', 'oid', 'zone', 'thumbprint', 'srcrev', 'b3', 'sum', 'accept', 'charge', 'payment', 'subscription']);
/** Anywhere in the name: the value is a digest. */
// biome-ignore format: a table, several words a line
const DIGESTS: ReadonlySet<string> = new Set(['md5', 'md5sum', 'sha1', 'sha1sum', 'sha256', 'sha256sum', 'sha512', 'checksum', 'digest', 'srcrev', 'etag']);
/** `account_sid`: names an account of Twilio. */
const NAMED_SID: ReadonlySet<string> = new Set(['account', 'message', 'call', 'service', 'conversation']);
/** Words in front of `key` that make it no secret. */
// biome-ignore format: a table, several words a line
const OPEN_KEYS: ReadonlySet<string> = new Set(['public', 'pub', 'publishable', 'partition', 'sort', 'primary', 'foreign', 'object', 's3', 'kms', 'cache', 'idempotency', 'routing', 'hash', 'range', 'map', 'index', 'group', 'parent']);
// biome-ignore format: a table, several words a line
const COUNTING: ReadonlySet<string> = new Set(['max', 'min', 'total', 'tokens', 'count', 'limit', 'num', 'used', 'input', 'output', 'prompt', 'completion', 'usage', 'cached']);

/** Keys that Stripe means to stand in a page. */
const PUBLISHABLE = /^pk_(?:live|test)_[0-9A-Za-z]{10,120}$/u;

type Kind = 'always' | 'harmless' | 'strong' | 'weak' | 'doubtful' | 'key' | 'none';

interface Judged {
  readonly kind: Kind;
  /** The last word says that this is about a secret. */
  readonly about: boolean;
  /** Its value may be random and is no secret for that. */
  readonly identifying: boolean;
  readonly counting: boolean;
  /**
   * `secret_id` may open something, though it is a UUID (AppRole of Vault); `credentials_id` names an entry of a store.
   */
  readonly opening: boolean;
}

const MAX_NAME = 200;
/** Behind a name that only may be a key's, a longer value is something else. */
const LONGEST_KEY = 512;
const REMEMBERED = 4096;
const judgements = new Map<string, Judged>();

function judge(name: string): Judged {
  const old = judgements.get(name);
  if (old !== undefined) return old;
  if (judgements.size >= REMEMBERED) judgements.clear();
  const judged = judgeAnew(name.slice(0, MAX_NAME));
  judgements.set(name.length > MAX_NAME ? name.slice(0, MAX_NAME) : name, judged);
  return judged;
}

function judgeAnew(name: string): Judged {
  const words = wordsOf(name);
  const squashed = words.join('').replace('secretsmanager', '');
  const last = words.at(-1) ?? '';
  const about = words.length > 1 && ABOUT.has(last);
  return {
    kind: kindOf(name, words, squashed, { about }),
    about,
    identifying: isIdentifying(words),
    opening: !['credential', 'credentials', 'secrets'].includes(words.at(-2) ?? ''),
    counting: words.some((word) => COUNTING.has(word)),
  };
}

/** `etag`, `x-amz-id-2`, `partition_key`, `md5OfBody`. */
function isIdentifying(words: readonly string[]): boolean {
  const named = /^\d{1,2}$/u.test(words.at(-1) ?? '') ? words.slice(0, -1) : words;
  const last = named.at(-1) ?? '';
  if (IDENTIFYING.has(last) || named.slice(-2).join('') === 'etag' || words.some((word) => DIGESTS.has(word)))
    return true;
  return last === 'key' && named.some((word) => OPEN_KEYS.has(word));
}

function kindOf(
  name: string,
  words: readonly string[],
  squashed: string,
  { about }: { readonly about: boolean },
): Kind {
  if (ALWAYS.has(squashed)) return 'always';
  if (
    HARMLESS.test(name) ||
    PROCFS.test(name) ||
    HARMLESS_ANY_CASE.test(name) ||
    name === STATEMENT_ID ||
    words[0] === 'no'
  )
    return 'harmless';
  if (STRONG.test(squashed)) return words.includes('public') ? 'none' : 'strong';
  if (about) return 'none';
  if (words.at(-1) === 'sid' && words.some((word) => NAMED_SID.has(word))) return 'none';
  if (words.some((word) => WEAK.has(word))) return 'weak';
  if (words.some((word) => DOUBTFUL.has(word))) return 'doubtful';
  return words.at(-1) === 'key' && words.length > 1 && !words.some((word) => OPEN_KEYS.has(word)) ? 'key' : 'none';
}

/** `dbPassword`, `DB_PASSWORD`, `db-password` and `DBPassword` are two words each. */
function wordsOf(name: string): string[] {
  return name
    .replaceAll(/([a-z0-9])([A-Z])/gu, '$1 $2')
    .replaceAll(/([A-Z])([A-Z][a-z])/gu, '$1 $2')
    .toLowerCase()
    .split(/[^a-z0-9]+/u)
    .filter((word) => word !== '');
}

/** Whether the value under this name is a secret. */
export function isSecretByName(name: string, value: string): boolean {
  if (name.length === 0) return false;
  const { kind, about, counting, opening } = judge(name);
  switch (kind) {
    case 'always':
      return value !== '';
    case 'strong':
      if (isEmptyValue(value) || isPrincipalId(value) || isArn(value) || PUBLISHABLE.test(value)) return false;
      if (counting && /^\d{1,9}$/u.test(value)) return false;
      if (about) return isUuid(value) ? opening : !isPlain(value);
      return !(isWorkingDirectory(name) && value.startsWith('/') && isPlain(value));
    case 'weak':
      return !isEmptyValue(value) && !isPrincipalId(value) && !isArn(value);
    case 'doubtful':
      return !isPlain(value);
    case 'key':
      return value.length <= LONGEST_KEY && (looksRandom(value) || isUuid(value));
    default:
      return false;
  }
}

/** `SECRET_ID`, `passwordFile`: the setting is about a secret, and its value is one word. */
export function isAboutSecret(name: string): boolean {
  return judge(name).about;
}

/** False for names under which no value is a secret. */
export function mayBeSecret(name: string): boolean {
  const { kind } = judge(name);
  return kind !== 'none' && kind !== 'harmless';
}

function isWorkingDirectory(name: string): boolean {
  return /^(?:old|init)?_?c?pwd$/iu.test(name);
}

/** Whether everything below an object of this name is secret (`credentials: {…}`, `cookies: {…}`). */
export function isSecretBranch(name: string): boolean {
  const { kind, about } = judge(name);
  return kind === 'always' || (kind === 'strong' && !about) || /cookies?$/iu.test(name);
}

/** Whether a value below a secret branch may stay: the key id and the expiry of `credentials`, a flag. */
export function mayStayInBranch(name: string, value: string): boolean {
  const { kind } = judge(name);
  if (kind !== 'none') return true; // its own name has decided
  const last = wordsOf(name.slice(-MAX_NAME)).at(-1) ?? '';
  return (
    isEmptyValue(value) ||
    isPrincipalId(value) ||
    (ABOUT.has(last) && (isPlain(value) || !Number.isNaN(Date.parse(value))))
  );
}

/** Whether a random value under this name of an environment variable is to be taken for a secret. */
export function isSuspect(name: string, value: string): boolean {
  const { kind, identifying } = judge(name);
  return kind !== 'harmless' && !identifying && looksRandom(value);
}

/** `Authorization`, `Proxy-Authorization`, `HTTP_AUTHORIZATION`: the value begins with a scheme. */
export function isAuthorizationName(name: string): boolean {
  return /authorization$/iu.test(name);
}

/** `Cookie`, `Set-Cookie`, `cookies`: the value is a list of pairs. */
export function isCookieName(name: string): boolean {
  return /cookies?2?$/iu.test(name);
}
