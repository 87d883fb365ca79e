/** What a tarball is made with. */
import type { Budget, ManifestItem, Segment } from '../contracts/evidence.ts';
import type { Redactor } from '../secrets/contracts.ts';
import type { CompressionName } from './compress.ts';
import type { SegmentEncryptor } from './segments.ts';

/** Where manifest items go. It gives back the text that closes each segment. */
export interface ManifestSink {
  readonly add: (item: ManifestItem) => void;
  /** Bytes of the items since the last close. */
  readonly pendingBytes: () => number;
  /** The manifest part for this segment and the head of the chain after it. */
  readonly close: (segment: number) => { readonly path: string; readonly body: Uint8Array; readonly head: string };
}

export interface TarballOptions {
  readonly compression: CompressionName;
  readonly segmentBytes: number;
  /** Age in milliseconds at which a segment is closed though it is small. */
  readonly segmentMs: number;
  readonly partBytes: number;
  readonly digestWhole?: boolean; // false: none of the joined segments
  readonly startedMs: number;
  readonly redactor: Redactor;
  readonly budget: Budget;
  readonly spend: (bytes: number) => void;
  readonly manifest: ManifestSink;
  readonly encryptor?: () => SegmentEncryptor;
  readonly onSegment: (segment: Segment) => Promise<void>;
}
