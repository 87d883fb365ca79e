/**
 * One table: option, environment variable, default, parser, doc line. Code wins over environment.
 * Nothing else in Amber reads an `AMBER_` variable. The README's table is printed from here.
 */
import { COLLECTOR_NAMES, MEMORY_COLLECTORS } from './names.ts';
import type { Options } from './options.ts';
import { policyOf } from './detect-policy.ts';
import { readExtensions } from './extensions.ts';
import { unknownOptions, unknownVariables, withoutUnknownNames, type ConfigIssue } from './unknown.ts';
import { OWN_SCHEMES, schemeOf } from './destination.ts';
import { AmberError } from '../errors.ts';
import * as parse from './values.ts';
import type { Parser } from './values.ts';
import type { Config } from '../contracts/evidence.ts';
import type { Settings } from '../contracts/settings.ts';

interface Option<T> {
  readonly env: string;
  readonly fallback: T;
  readonly parse: Parser<T>;
  readonly example: string;
  readonly doc: string;
}

function option<T>(env: string, fallback: T, parser: Parser<T>, example: string, doc: string): Option<T> {
  return { env, fallback, parse: parser, example, doc };
}

const KIB = 1024;
const MIB = 1024 * KIB;
const GIB = 1024 * MIB;

// biome-ignore format: a table, a long sentence below its row
export const OPTIONS: { readonly [K in keyof Settings]: Option<Settings[K]> } = {
  disabled:       option('AMBER_DISABLED', false, parse.flag, '1', 'Kill switch: nothing is armed, nothing is loaded.'),
  capture:        option('AMBER_CAPTURE', 'armed', parse.oneOf('off', 'armed', 'now'), 'now',
    '`now` captures at the first invoke of each new sandbox; `armed` waits for another trigger; `off` allows ' +
    '`capture()` calls only.'),
  destination:    option('AMBER_DESTINATION', undefined, parse.destination, 's3://evidence-bucket/amber',
    'Where captures go: `s3://bucket/prefix` or `file:///dir`.'),
  control:        option('AMBER_CONTROL', undefined, parse.control, 's3://evidence-bucket/amber-control/orders.json',
    'Where orders of responders are read at invocations: `s3://bucket/key`, `ssm:/name`, ' +
    '`appconfig:APPLICATION/ENVIRONMENT/PROFILE`, or `lambda:self` for the flag in the configuration.'),
  controlTtlMs:   option('AMBER_CONTROL_TTL_MS', 20_000, parse.integer(0, 3_600_000), '60000',
    'Orders are read at most so often in a sandbox; a fifth more or less by chance.'),
  controlKey:     option('AMBER_CONTROL_KEY', [], parse.publicKeys,
    'ed25519:11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo',
    'Ed25519 public keys of responders (`amber trigger --new-key`). Orders signed with one may set destination, ' +
    'collectors and budget, or stop; events may carry orders.'),
  controlUnbound: option('AMBER_CONTROL_UNBOUND', false, parse.flag, '1',
    'Take signed orders of form 1 as well: their signature names no channel, so one that was written elsewhere ' +
    'counts here. For responders whose `amber` is older than this layer.'),
  fleetCap:       option('AMBER_FLEET_CAP', 0, parse.integer(0, 1000), '20',
    'Captures a day (UTC) that triggers other than a responder may start in all sandboxes of the function ' +
    'together; 0 = no such cap. Needs an `s3:` destination.'),
  recipient:      option('AMBER_RECIPIENT', undefined, parse.recipient, 'age1…',
    'age X25519 public key: every segment is one age file, and raw values stand inside.'),
  compression:    option('AMBER_COMPRESSION', 'zstd', parse.oneOf('zstd', 'gzip', 'none'), 'gzip',
    'Compression of the tar stream.'),
  collect:        option('AMBER_COLLECT', [], parse.list, '+process-memory,-code',
    'Collectors to add (`+name`) or leave out (`-name`).'),
  onError:        option('AMBER_ON_ERROR', 'off', parse.text, 'any',
    'Capture when the handler fails: `off`, `any`, or error names separated by commas.'),
  deadlineMs:     option('AMBER_DEADLINE_MS', 0, parse.integer(0, 890_000), '3000',
    'Capture when this many milliseconds of the invocation are left and the handler has not settled; 0 = off.'),
  detect:         option('AMBER_DETECT', 'high', parse.detect, 'high,-survivor,allow:to=203.0.113.0/24',
    'Anomalies that start a capture: a level (`low`, `medium`, `high`, `critical`, `off`), `-NAME` and `+NAME` ' +
    'for single detectors, `allow:KIND=VALUE` for what is known.'),
  record:         option('AMBER_RECORD', 'events', parse.oneOf('off', 'events', 'paths'), 'paths',
    'What the black box of a Node function keeps: `events` (children, addresses, domains, modules), `paths` (names ' +
    'of hosts and paths of requests as well), `off`. Without a destination, or with AMBER_DETECT `off`, ' +
    'it keeps nothing unless this is set.'),
  onShutdown:     option('AMBER_ON_SHUTDOWN', 'inventory', parse.oneOf('off', 'inventory', 'contents'), 'contents',
    'What the extension captures when the platform ends an idle sandbox: `inventory` (contents too where a ' +
    'finding or an order is open), `contents`, `off`.'),
  onCrash:        option('AMBER_ON_CRASH', 'inventory', parse.oneOf('off', 'inventory', 'contents'), 'contents',
    'The same after a crash of the runtime or a timeout.'),
  writable:       option('AMBER_WRITABLE', ['/tmp', '/dev/shm'], parse.paths, '/tmp,/dev/shm,/mnt/efs',
    'Trees that are listed and taken whole; one on EFS is read by a child of its own.'),
  code:           option('AMBER_CODE', ['/var/task', '/opt', '/var/runtime'], parse.paths, '/var/task,/opt',
    'Trees of code: every file is hashed.'),
  codeBytes:      option('AMBER_CODE_BYTES', 'none', parse.oneOf('none', 'changed', 'all'), 'all',
    'Bytes of code to store beside the hash of every file: `none`, `changed` (mtime or ctime after the sandbox ' +
    'started), `all`.'),
  includeEvent:   option('AMBER_INCLUDE_EVENT', false, parse.flag, '1',
    'Put the (redacted) event of the invocation into the capture.'),
  redact:         option('AMBER_REDACT', undefined, parse.pattern, '(?i)internal-[0-9]+',
    'Further secret-looking values, as a regular expression.'),
  maxBytes:       option('AMBER_MAX_BYTES', 2 * GIB, parse.bytes(64 * KIB, 20 * GIB), '512MiB',
    'Content bytes of one capture, before compression.'),
  maxMs:          option('AMBER_MAX_MS', 30_000, parse.integer(50, 900_000), '5000', 'Longest time of one capture.'),
  marginMs:       option('AMBER_MARGIN_MS', 500, parse.integer(50, 60_000), '800',
    'A capture ends this many milliseconds before the deadline of the invocation.'),
  maxEntries:     option('AMBER_MAX_ENTRIES', 250_000, parse.integer(100, 5_000_000), '50000',
    'Paths of /tmp and /dev/shm that are listed; the rest is counted.'),
  maxCaptures:    option('AMBER_MAX_CAPTURES', 3, parse.integer(0, 1000), '1',
    'Captures per sandbox. After crashes: so often in an hour, then one inventory in ten minutes.'),
  cooldownMs:     option('AMBER_COOLDOWN_MS', 60_000, parse.integer(0, 86_400_000), '0',
    'Shortest time between two captures of a sandbox.'),
  segmentBytes:   option('AMBER_SEGMENT_BYTES', 4 * MIB, parse.bytes(64 * KIB, 64 * MIB), '8MiB',
    'Size at which a segment is closed and sent; three of them are in memory. At most 2 MiB below 512 MB of ' +
    'memory.'),
  sliceMs:        option('AMBER_SLICE_MS', 8, parse.integer(1, 20), '5',
    'Longest time that the main thread is held at a stretch.'),
  s3Transport:    option('AMBER_S3_TRANSPORT', 'auto', parse.oneOf('auto', 'sdk', 'light'), 'light',
    '`sdk`: client-s3 of the AWS SDK; `light`: signed requests over node:https; `auto`: light below 512 MB of ' +
    'memory.'),
  s3Endpoint:     option('AMBER_S3_ENDPOINT', undefined, parse.endpoint, 'https://s3.example.internal',
    'Another S3 endpoint.'),
  s3PathStyle:    option('AMBER_S3_PATH_STYLE', false, parse.flag, '1', 'Bucket in the path instead of the host name.'),
  s3Region:       option('AMBER_S3_REGION', undefined, parse.text, 'eu-central-1',
    'Region of the bucket; default is the region of the function.'),
  s3BucketOwner:  option('AMBER_S3_BUCKET_OWNER', undefined, parse.account, '111122223333',
    'Account that must own the bucket.'),
  s3KmsKey:       option('AMBER_S3_KMS_KEY', undefined, parse.text, 'arn:aws:kms:…:key/…', 'KMS key for SSE-KMS.'),
};

type OptionName = keyof Settings;

export type { Options };

/** Takes what the environment names and this version does not know. */
export type Warn = (issue: ConfigIssue) => void;

const VARIABLES: readonly string[] = Object.values(OPTIONS).map((entry) => entry.env);

/**
 * Reads code options over the environment.
 *
 * @throws AmberError CONFIG_INVALID, with every issue in its message and the number of them in `details.issues`.
 */
export function resolveConfig(
  options: Options = {},
  given: NodeJS.ProcessEnv = process.env,
  warn: Warn = () => undefined,
): Config {
  if (!areOptions(options))
    throw configError([
      {
        name: 'options',
        message:
          `the options are ${parse.show(options)}; expected an object, ` +
          "for example { destination: 's3://evidence-bucket/amber' }",
      },
    ]);
  const { issues: extensions, ...own } = readExtensions(options);
  const { env, warnings } = withoutUnknownNames(
    given,
    own.collectors.map(({ name }) => name),
  );
  const unknown = unknownVariables(env, VARIABLES);
  const names = [...Object.keys(OPTIONS), ...Object.keys(own)];
  const issues: ConfigIssue[] = [...unknownOptions(options, names), ...unknown.errors, ...extensions];
  const values: Record<string, unknown> = own;
  for (const [name, entry] of Object.entries(OPTIONS) as [OptionName, Option<unknown>][]) {
    values[name] = readOption(name, entry, options[name], env[entry.env], issues);
  }
  values['record'] = recordOf(values as Config, options, env);
  issues.push(...contradictions(values as Config, (name) => nameOf(name, options)));
  if (issues.length > 0) throw configError(issues);
  for (const one of [...unknown.warnings, ...warnings]) warn(one);
  return Object.freeze(values) as Config;
}

/** The black box serves captures and detectors: where there is neither, it is on for those alone who ask for it. */
function recordOf({ record, destination, detect }: Config, options: Options, env: NodeJS.ProcessEnv): Config['record'] {
  const isAsked = options.record !== undefined || (env[OPTIONS.record.env] ?? '') !== '';
  return isAsked || (destination !== undefined && policyOf(detect).threshold !== 'off') ? record : 'off';
}

/** What may be read as options; anything else is a mistake of code. */
export function areOptions(given: unknown): given is Options {
  return typeof given === 'object' && given !== null && !Array.isArray(given);
}

/** An option by the name under which it was given. */
function nameOf(name: OptionName, options: Options): string {
  return options[name] === undefined ? OPTIONS[name].env : `option \`${name}\``;
}

type NameOf = (name: OptionName) => string;

function readOption(
  name: OptionName,
  entry: Option<unknown>,
  given: unknown,
  fromEnv: string | undefined,
  issues: ConfigIssue[],
): unknown {
  const inCode = given !== undefined;
  if (!inCode && (fromEnv === undefined || fromEnv === '')) return entry.fallback;
  const parsed = entry.parse(inCode ? given : fromEnv);
  if (parsed.ok) return parsed.value;
  const shown = parse.show(inCode ? given : fromEnv);
  const where = inCode ? `option \`${name}\`` : entry.env;
  issues.push({
    name: where,
    message: `${where} is ${shown}; expected ${parsed.expected}, for example ${entry.example}`,
  });
  return entry.fallback;
}

function contradictions(config: Config, named: NameOf): ConfigIssue[] {
  const issues: ConfigIssue[] = [];
  const { destination } = config;
  const armed = [
    ...(config.capture === 'now' ? ['capture' as const] : []),
    ...(config.onError === 'off' ? [] : ['onError' as const]),
    ...(config.deadlineMs === 0 ? [] : ['deadlineMs' as const]),
    ...(config.control === undefined ? [] : ['control' as const]),
  ].map(named);
  if (config.triggers.length > 0) armed.push('option `triggers`');
  if (armed.length > 0 && destination === undefined && !config.disabled) {
    const missing = armed.some((name) => name.startsWith('option'))
      ? 'neither option `destination` nor AMBER_DESTINATION is set'
      : 'AMBER_DESTINATION is not set';
    issues.push({
      name: 'AMBER_DESTINATION',
      message: `${armed.join(' and ')} may start a capture, but ${missing}; for example s3://evidence-bucket/amber`,
    });
  }
  const needsBucket = (name: OptionName): void => {
    const found =
      destination === undefined ? 'no destination is set' : `${named('destination')} is ${parse.show(destination)}`;
    issues.push({ name: OPTIONS[name].env, message: `${named(name)} needs an s3: destination, but ${found}` });
  };
  const isBucket = destination?.startsWith('s3:') === true;
  if (config.s3KmsKey !== undefined && destination !== undefined && !isBucket) needsBucket('s3KmsKey');
  if (config.fleetCap > 0 && !isBucket) needsBucket('fleetCap');
  issues.push(...schemeIssues(config, named), ...collectIssues(config, named));
  return issues;
}

/** A destination of code may have any scheme; without one a capture would find out that nobody takes it. */
function schemeIssues({ destination, destinations }: Config, named: NameOf): ConfigIssue[] {
  const known = [...new Set([...OWN_SCHEMES, ...destinations.map(({ protocol }) => protocol)])];
  if (destination === undefined || known.includes(schemeOf(destination))) return [];
  return [
    {
      name: 'AMBER_DESTINATION',
      message:
        `${named('destination')} is ${parse.show(destination)}; expected a URL with ${known.join(', ')}, ` +
        'for example s3://evidence-bucket/amber',
    },
  ];
}

function collectIssues(config: Config, named: NameOf): ConfigIssue[] {
  const known = [...COLLECTOR_NAMES, ...config.collectors.map((collector) => collector.name)];
  return config.collect.flatMap((item) => {
    const name = item.replace(/^[+-]/u, '');
    if (!known.includes(name)) {
      return [
        {
          name: 'AMBER_COLLECT',
          message: `${named('collect')} names ${parse.show(name)}; known are ${known.join(', ')}`,
        },
      ];
    }
    if (!MEMORY_COLLECTORS.has(name) || item.startsWith('-') || config.recipient !== undefined) return [];
    return [
      {
        name: 'AMBER_RECIPIENT',
        message: `${named('collect')} asks for ${name}, which holds raw memory; set AMBER_RECIPIENT, for example age1…`,
      },
    ];
  });
}

function configError(issues: readonly ConfigIssue[]): AmberError {
  const message = issues.map((issue) => issue.message).join('; ');
  return new AmberError('CONFIG_INVALID', message, { details: { issues: issues.length } });
}
