/** A check of `amber doctor`: is this function ready to be captured, and if not, what is to be done. */
import type { FunctionConfiguration } from '@aws-sdk/client-lambda';
import type { Clients } from '../acquire/clients.ts';
import type { Target } from '../acquire/contracts.ts';
import type { Config } from '../contracts/evidence.ts';

export type DiagnosisState = 'ok' | 'failed' | 'warning' | 'not-checked';

export interface Diagnosis {
  readonly state: DiagnosisState;
  /** One sentence: what is so. */
  readonly detail: string;
  /** What to do; present with `failed` and `warning`. */
  readonly fix?: string;
}

export interface DoctorCheck {
  readonly name: string;
  /** What is looked at, in a few words. */
  readonly what: string;
  /** IAM actions of the user who runs the check. */
  readonly actions: readonly string[];
  /** May throw what a client throws: the check is then `not-checked`, with the action that is missing. */
  readonly check: (inspected: InspectedFunction) => Promise<Diagnosis> | Diagnosis;
}

/** The function, and what its own environment says of Amber. */
export interface InspectedFunction {
  readonly target: Target;
  /** The version that is looked at. */
  readonly configuration: FunctionConfiguration;
  readonly environment: Readonly<Record<string, string>>;
  /** Amber's configuration in that environment; defaults where it is not usable. */
  readonly config: Config;
  /** Why the configuration is not usable. */
  readonly configProblem: string | undefined;
  /** What it names and this version does not know. */
  readonly configWarnings: readonly string[];
  /** Where captures go, when that is a bucket. */
  readonly bucket: BucketPlace | undefined;
  readonly aws: Clients;
  readonly signal: AbortSignal;
}

export interface BucketPlace {
  readonly name: string;
  /** Without a slash at either end. */
  readonly prefix: string;
  readonly region: string;
  /** The key of a segment as this function would write it. */
  readonly sampleKey: string;
}

export const ok = (detail: string): Diagnosis => ({ state: 'ok', detail });
export const failed = (detail: string, fix: string): Diagnosis => ({ state: 'failed', detail, fix });
export const warning = (detail: string, fix: string): Diagnosis => ({ state: 'warning', detail, fix });
export const notChecked = (detail: string): Diagnosis => ({ state: 'not-checked', detail });
