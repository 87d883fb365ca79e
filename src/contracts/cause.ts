/** Why a capture starts, and the order behind it. */

/** What the custody record keeps of an order: of a control object, or of a signed request in an event. */
export interface OrderRecord {
  readonly id: string;
  /** Where it was read: `s3://bucket/key`, `ssm:/name`, `event`. */
  readonly channel: string;
  /** ISO 8601, UTC, as the order says. */
  readonly issued: string;
  readonly expires: string;
  /** SHA-256 of the public key that its signature fits; absent: it is not signed, or no key is configured. */
  readonly signedBy?: string;
  /** Lower-case hex SHA-256 of the order as it was read. */
  readonly sha256: string;
  /** What it sets in place of the configuration: `destination`, `collect`, … */
  readonly overrides: readonly string[];
}

export type TriggerName =
  | 'call'
  | 'flag'
  | 'error'
  | 'deadline'
  | 'control'
  | 'event'
  | 'anomaly'
  | 'crash'
  | 'shutdown'
  | 'collect'; // no capture of a sandbox: a responder collected the control plane

/** Why a capture starts. Goes into capture.json, manifest.json and the log line. */
export interface Cause {
  /** A {@link TriggerName}, or the name of a trigger of code. */
  readonly trigger: string;
  /** One human sentence, free of secrets. */
  readonly reason: string;
  /** Who asked, where the trigger knows it (control object, signed event, code). */
  readonly requester?: string;
  /** The order behind a `control` or `event` trigger, for the custody record. */
  readonly order?: OrderRecord;
}
