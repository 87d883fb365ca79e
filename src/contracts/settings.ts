/** The options by name, with the types of their values. The table in config/config.ts says what each of them means. */

/** Option names and the types of their values. */
export interface Settings {
  disabled: boolean;
  capture: 'off' | 'armed' | 'now';
  destination: string | undefined;
  control: string | undefined;
  controlTtlMs: number;
  controlKey: readonly string[];
  controlUnbound: boolean;
  fleetCap: number;
  recipient: string | undefined;
  compression: 'zstd' | 'gzip' | 'none';
  collect: readonly string[];
  onError: string;
  deadlineMs: number;
  onShutdown: 'off' | 'inventory' | 'contents';
  onCrash: 'off' | 'inventory' | 'contents';
  detect: string;
  record: 'off' | 'events' | 'paths';
  writable: readonly string[];
  code: readonly string[];
  codeBytes: 'none' | 'changed' | 'all';
  includeEvent: boolean;
  redact: RegExp | undefined;
  maxBytes: number;
  maxMs: number;
  marginMs: number;
  maxEntries: number;
  maxCaptures: number;
  cooldownMs: number;
  segmentBytes: number;
  sliceMs: number;
  s3Transport: 'auto' | 'sdk' | 'light';
  s3Endpoint: string | undefined;
  s3PathStyle: boolean;
  s3Region: string | undefined;
  s3BucketOwner: string | undefined;
  s3KmsKey: string | undefined;
}
