/** What carries objects to S3: the SDK, or signed requests. */
import type { Reply } from './faults.ts';
import type { PutAnswer, PutRequest } from './s3-settings.ts';

/** Sends one PutObject, once. Does not throw and does not retry. */
export interface S3Transport {
  readonly put: (request: PutRequest, signal: AbortSignal) => Promise<Reply<PutAnswer>>;
  readonly close: () => void;
}
