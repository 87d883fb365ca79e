/**
 * How fast the redactor is, by hand: `node test/bench/redact.ts [--beside FOLDER]`. Prints milliseconds of CPU (user and
 * system) and MB/s, the median of several runs. Half of the runs see a dictionary of learned secrets, as a real capture
 * has. FOLDER is a checkout of another commit: both take turns on the same inputs, and the ratio is printed.
 */
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { createRedactor } from '../../src/secrets/redactor.ts';
import type { Redactor } from '../../src/secrets/contracts.ts';

const MIB = 1024 * 1024;
const WARM_UP = 4;
const RUNS = 21;
const { values: options } = parseArgs({ options: { beside: { type: 'string' } } });
const other =
  options.beside === undefined
    ? undefined
    : ((await import(resolve(options.beside, 'src/secrets/redactor.ts'))) as { createRedactor: typeof createRedactor });
const sides = other === undefined ? [createRedactor] : [createRedactor, other.createRedactor];
const SECRETS = {
  AWS_SECRET_ACCESS_KEY: randomBytes(30).toString('base64'),
  AWS_SESSION_TOKEN: `IQoJb3JpZ2luX2Vj${randomBytes(700).toString('base64')}`,
  DB_PASSWORD: 'x9!kd"\\pQ7 m',
  API_KEY: randomBytes(16).toString('hex'),
  STRIPE_SECRET: `sk_live_${randomBytes(18).toString('hex')}`,
};
const PLAIN_ENV = {
  PATH: '/var/lang/bin:/usr/local/bin:/usr/bin/:/bin:/opt/bin',
  LANG: 'en_US.UTF-8',
  TZ: ':UTC',
  LAMBDA_TASK_ROOT: '/var/task',
  LAMBDA_RUNTIME_DIR: '/var/runtime',
  AWS_REGION: 'eu-central-1',
  AWS_LAMBDA_FUNCTION_NAME: 'my-function',
  AWS_LAMBDA_LOG_GROUP_NAME: '/aws/lambda/my-function',
  AWS_LAMBDA_LOG_STREAM_NAME: '2026/08/01/[$LATEST]0123456789abcdef0123456789abcdef',
  NODE_PATH: '/opt/nodejs/node22/node_modules:/opt/nodejs/node_modules:/var/runtime/node_modules',
  TABLE_NAME: 'MyStack-Orders794EDED1-3S8G0BUU9XJX',
  LOG_LEVEL: 'info',
  STAGE: 'production',
};

function repeated(text: string, bytes: number): string {
  return text.repeat(Math.ceil(bytes / text.length)).slice(0, bytes);
}

function cpuMs(create: typeof createRedactor, learned: boolean, run: (redactor: Redactor) => unknown): number {
  const redactor = create();
  if (learned) redactor.learn(SECRETS);
  const started = process.cpuUsage();
  run(redactor);
  const { user, system } = process.cpuUsage(started);
  return (user + system) / 1000;
}

const medianOf = (times: readonly number[]): number => times.toSorted((one, two) => one - two)[times.length >> 1] ?? 0;

function measure(what: string, bytes: number, run: (redactor: Redactor) => unknown): void {
  for (const learned of [false, true]) {
    const times = sides.map((): number[] => []);
    for (let turn = 0; turn < WARM_UP + RUNS; turn++) {
      for (let at = 0; at < sides.length; at++) {
        // Who comes first changes: what the first one leaves to the collector costs the second.
        const side = (at + turn) % sides.length;
        const ms = cpuMs(sides[side] ?? createRedactor, learned, run);
        if (turn >= WARM_UP) times[side]?.push(ms);
      }
    }
    const [ms = 0, beside] = times.map(medianOf);
    const ratio =
      beside === undefined ? '' : `  beside ${beside.toFixed(2).padStart(8)} ms  x ${(ms / beside).toFixed(2)}`;
    process.stdout.write(
      `${what.padEnd(58)} ${learned ? 'learned' : 'nothing'} ${ms.toFixed(2).padStart(8)} ms ${(bytes / ms / 1000).toFixed(0).padStart(6)} MB/s${ratio}\n`,
    );
  }
}

const environ = (pid: number): Buffer =>
  Buffer.from(
    [
      ...Object.entries({ ...PLAIN_ENV, ...SECRETS }).map(([name, value]) => `${name}=${value}`),
      `_AMBER_PID=${pid}`,
      '',
    ].join('\0'),
    'latin1',
  );
const environs = Array.from({ length: 500 }, (_, pid) => environ(pid));
measure(
  'environ of 500 processes',
  environs.reduce((sum, body) => sum + body.length, 0),
  (redactor) => environs.map((body) => redactor.bytes(body, 'environ')),
);

const maps = repeated(readFileSync('/proc/self/maps', 'latin1'), MIB);
measure('1 MiB of /proc/PID/maps, as bytes', MIB, (redactor) => redactor.bytes(Buffer.from(maps, 'latin1'), 'text'));
const told = process.report.getReport();
const report = repeated(JSON.stringify(told, undefined, 1), MIB);
measure('1 MiB of diagnostic report, as text', MIB, (redactor) => redactor.text(report));
measure('20 diagnostic reports, as objects', 20 * JSON.stringify(told).length, (redactor) =>
  Array.from({ length: 20 }, () => redactor.json(told)),
);
const base64 = repeated(randomBytes(MIB).toString('base64'), MIB);
measure('1 MiB of base64', MIB, (redactor) => redactor.text(base64));
measure('1 MiB of percent and backslash escapes', MIB, (redactor) => redactor.text(repeated('a%20b\\nc%2Fd\\"e', MIB)));
const planted = repeated(
  `${'x'.repeat(200)} ${SECRETS.API_KEY} ${Buffer.from(SECRETS.AWS_SESSION_TOKEN).toString('base64')} `,
  MIB,
);
measure('1 MiB with a secret every 2 KiB', MIB, (redactor) => redactor.text(planted));

const rows = Array.from({ length: 10_000 }, (_, index) => ({
  path: `/tmp/cache/${index % 100}/file-${index}.json`,
  kind: 'file',
  outcome: 'collected',
  size: index,
  stored: index,
  sha256: randomBytes(32).toString('hex'),
  mode: '0644',
  uid: 993,
  gid: 990,
  inode: String(100_000 + index),
  links: 1,
  mtime: '1785000000.123456789',
  atime: '1785000000.123456789',
  ctime: '1785000000.123456789',
}));
measure('10,000 rows of a manifest, one call each', JSON.stringify(rows).length, (redactor) =>
  rows.map((row) => redactor.json(row)),
);
