/** A hunt: one question to the logs of a function that has malice for an answer, not errors. */
import type { LogEvent } from '../contracts/log-event.ts';

export interface Hunt {
  /** Stable: `memory-jump`. */
  readonly id: string;
  readonly title: string;
  /** MITRE ATT&CK, version 19. */
  readonly technique: string;
  readonly severity: 'low' | 'medium' | 'high';
  /** What harmless thing looks like it. */
  readonly benign: string;
  /** CloudWatch Logs Insights QL. */
  readonly query: string;
  /** The same question for collected streams. One matcher sees all events of all streams, each stream in order. */
  readonly matcher: () => Matcher;
}

export interface Matcher {
  /** A hit at this very event, in words. */
  readonly see: (event: LogEvent, platform: PlatformLine | undefined) => string | undefined;
  /** What only the whole shows. */
  readonly end?: () => readonly WholeHit[];
}

export interface WholeHit {
  readonly detail: string;
  readonly logStream?: string | undefined;
  readonly timestamp?: number | undefined;
  readonly message?: string | undefined;
}

/** What a line of the platform says, in either log format. */
export interface PlatformLine {
  readonly kind: 'init' | 'start' | 'end' | 'report' | 'extension' | 'dropped' | 'other';
  readonly requestId?: string | undefined;
  readonly durationMs?: number | undefined;
  readonly maxMemoryMb?: number | undefined;
  readonly memoryMb?: number | undefined;
  /** `success`, `error`, `failure`, `timeout`. */
  readonly status?: string | undefined;
  readonly runtimeArn?: string | undefined;
  readonly extension?: string | undefined;
  readonly state?: string | undefined;
}

/** One hit, as a line of the findings. */
export interface HuntFinding {
  readonly hunt: string;
  readonly title: string;
  readonly severity: Hunt['severity'];
  readonly technique: string;
  readonly attackVersion: '19';
  readonly source: 'offline' | 'insights';
  /** ISO 8601; null for what only the whole shows. */
  readonly time: string | null;
  readonly logStream: string | null;
  readonly message: string | null;
  readonly detail: string;
  /** Lines of the same stream around it. */
  readonly before: readonly string[];
  readonly after: readonly string[];
}
