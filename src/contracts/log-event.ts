/** An event of a log stream, as it was collected or asked for. */

/** One event of a log stream. */
export interface LogEvent {
  /** Milliseconds since the epoch. */
  readonly timestamp: number;
  readonly logStream: string;
  readonly message: string;
}
