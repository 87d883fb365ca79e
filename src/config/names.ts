/**
 * Names that the configuration must know before anything heavy is loaded. A test holds this list equal to the registry
 * in collect/index.ts, which is only imported when a capture starts.
 */
import type { TriggerName } from '../contracts/evidence.ts';

export const COLLECTOR_NAMES: readonly string[] = [
  'invocation',
  'recorder',
  'processes',
  'sockets',
  'descriptors',
  'environment',
  'memory',
  'procfs',
  'runtime',
  'findings',
  'interpreter',
  'inventory',
  'recovered',
  'system',
  'writable',
  'served',
  'timeline',
  'executables',
  'code',
  'scripts',
  'systeminformation',
  'process-memory',
  'heap',
];

/** Collectors that hold raw memory: they need a recipient. */
export const MEMORY_COLLECTORS: ReadonlySet<string> = new Set(['process-memory', 'heap']);

/**
 * Names of the triggers, and `collect`, which is the cause of a collection; a test holds them equal to
 * trigger/index.ts.
 */
export const TRIGGER_NAMES: readonly TriggerName[] = [
  'control',
  'event',
  'anomaly',
  'error',
  'deadline',
  'flag',
  'call',
  'crash',
  'shutdown',
  'collect',
];

/** Names of the detectors; a test holds them equal to the registry in detect/index.ts. */
export const DETECTOR_NAMES: readonly string[] = [
  'runtime-changed',
  'staged-executable',
  'staged-file',
  'mapped-object',
  'disguised-name',
  'shell-child',
  'second-interpreter',
  'stdio-socket',
  'survivor',
  'runtime-api-client',
  'runtime-api-proxy',
  'environment-drift',
  'startup-hook',
  'environ-reader',
  'miner',
  'outbound',
  'foreign-resolver',
  'foreign-credentials',
  'unknown-extension',
  'code-changed',
  'patched-builtins',
  'child-process-use',
  'code-from-nowhere',
  'open-inspector',
  'rewritten-record',
  'lone-request',
  'long-names',
  'moved-output',
  'bulk-rename',
  'process-flood',
  'resource-jump',
];
