/** Lines that Lambda itself writes into the log, as text or as JSON ("Lambda Telemetry API Event schema reference"). */
import type { PlatformLine } from './contracts.ts';

/** Undefined: the function said it. */
export function platformLine(message: string): PlatformLine | undefined {
  if (message.startsWith('{')) return message.includes('"platform.') ? jsonLine(message) : undefined;
  return textLine(message);
}

function textLine(message: string): PlatformLine | undefined {
  const requestId = /^(?:START|END|REPORT) RequestId: ([0-9a-f-]{36})/u.exec(message)?.[1];
  if (requestId !== undefined) {
    if (message.startsWith('START')) return { kind: 'start', requestId };
    if (message.startsWith('END')) return { kind: 'end', requestId };
    return {
      kind: 'report',
      requestId,
      durationMs: number(/\tDuration: ([\d.]+) ms/u, message),
      memoryMb: number(/Memory Size: (\d+) MB/u, message),
      maxMemoryMb: number(/Max Memory Used: (\d+) MB/u, message),
      status: /\tStatus: (\w+)/u.exec(message)?.[1],
    };
  }
  if (message.startsWith('INIT_START'))
    return { kind: 'init', runtimeArn: /Runtime Version ARN: (\S+)/u.exec(message)?.[1] };
  if (/^(?:INIT_REPORT|RESTORE_START|RESTORE_REPORT|XRAY TraceId|TELEMETRY)/u.test(message)) return { kind: 'other' };
  const [, extension, state] = /^EXTENSION\s+Name: (.+?)\s+State: (\S+)/u.exec(message) ?? [];
  return extension === undefined ? undefined : { kind: 'extension', extension, state };
}

function number(pattern: RegExp, text: string): number | undefined {
  const found = pattern.exec(text)?.[1];
  return found === undefined ? undefined : Number(found);
}

const KINDS: Readonly<Record<string, PlatformLine['kind']>> = {
  'platform.initStart': 'init',
  'platform.start': 'start',
  'platform.runtimeDone': 'end',
  'platform.report': 'report',
  'platform.extension': 'extension',
  'platform.logsDropped': 'dropped',
};

function jsonLine(message: string): PlatformLine | undefined {
  let parsed: unknown;
  try {
    parsed = JSON.parse(message);
  } catch {
    return undefined;
  }
  const { type, record } = parsed as { type?: unknown; record?: Readonly<Record<string, unknown>> };
  if (typeof type !== 'string' || !type.startsWith('platform.')) return undefined;
  const metrics = (record?.['metrics'] ?? {}) as Readonly<Record<string, unknown>>;
  return {
    kind: KINDS[type] ?? 'other',
    requestId: text(record?.['requestId']),
    status: text(record?.['status']),
    runtimeArn: text(record?.['runtimeVersionArn']),
    extension: text(record?.['name']),
    state: text(record?.['state']),
    durationMs: count(metrics['durationMs']),
    memoryMb: count(metrics['memorySizeMB']),
    maxMemoryMb: count(metrics['maxMemoryUsedMB']),
  };
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

function count(value: unknown): number | undefined {
  return typeof value === 'number' ? value : undefined;
}
