/**
 * What the sources of code-level evidence share. They yield the same entries as collectors, so one archive takes both.
 */
import type { AliasConfiguration, FunctionConfiguration } from '@aws-sdk/client-lambda';
import type { Entry } from '../contracts/evidence.ts';
import type { Clients } from './clients.ts';
import type { Ledger } from './ledger.ts';
import type { Meter } from './meter.ts';

/** Sources of one lane run in order; lanes run side by side, because each is bounded by quotas of its own. */
export type Lane = 'control-plane' | 'logs' | 'trail';

/** A source of code-level evidence. What is denied or missing is an `absent` entry with the action in its reason. */
export interface Source {
  readonly name: string;
  /** One line for `--help`, the README table and the manifest. */
  readonly description: string;
  readonly lane: Lane;
  /** IAM actions that it needs, as policies name them. */
  readonly actions: readonly string[];
  readonly acquire: (target: Target, context: AcquireContext) => AsyncIterable<Entry>;
}

/** The function that is asked about, and how far back. */
export interface Target {
  readonly functionName: string;
  /** Without a qualifier. */
  readonly functionArn: string;
  /** FunctionName of requests: as it was typed, without the qualifier. */
  readonly askedAs: string;
  /** The version or alias that was typed. */
  readonly qualifier: string | undefined;
  /** Of the version or alias that was typed, or of `$LATEST`; empty where the function could not be asked for. */
  readonly configuration: FunctionConfiguration;
  /** The function is gone, or may not be read: only what does not need it can be had. */
  readonly isAbsent: boolean;
  readonly account: string;
  readonly region: string;
  /** `$LATEST` first, then published versions from old to new. */
  readonly versions: readonly FunctionConfiguration[];
  readonly aliases: readonly AliasConfiguration[];
  /** Why versions or aliases are not all there. */
  readonly gaps: readonly Gap[];
  /** Every execution role that a version has. */
  readonly roles: readonly string[];
  /** Every log group that a version is configured to write to. */
  readonly logGroups: readonly string[];
  /** Milliseconds since the epoch: the window of logs, CloudTrail, executions and findings, both ends included. */
  readonly sinceMs: number;
  readonly untilMs: number;
  /** Found in captures: CloudTrail is asked for each. */
  readonly accessKeyIds: readonly string[];
  /**
   * A trail's files, read in place of LookupEvents: `s3://BUCKET/PREFIX`, the prefix being what stands before AWSLogs/.
   */
  readonly trail: string | undefined;
  /** Where captures lie, as the responder named it. */
  readonly captures?: string | undefined;
}

export interface Gap {
  readonly path: string;
  readonly action: string;
  readonly error: unknown;
}

export interface AcquireContext {
  readonly aws: Clients;
  readonly meter: Meter;
  readonly ledger: Ledger;
  /** Aborted when nothing further may be asked. */
  readonly signal: AbortSignal;
  /** Something that a responder has to hear of: code that does not match its digest, a version gone in between. */
  readonly warn: (problem: string) => void;
}
