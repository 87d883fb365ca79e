/** Which function is asked about, and how far back. */
import type { FunctionName } from './function-name.ts';

export interface Window {
  readonly sinceMs: number;
  readonly untilMs: number;
}

export interface TargetOptions extends Window {
  readonly named: FunctionName;
  /** The region that is asked. */
  readonly region: string;
  readonly accessKeyIds: readonly string[];
  readonly trail: string | undefined;
  readonly captures?: string | undefined;
  /** Log groups that the user named, beside the configured ones. */
  readonly logGroups?: readonly string[] | undefined;
  /** Go on without the function, where it is gone or may not be read: what is left of it is evidence as well. */
  readonly allowAbsent?: boolean;
  /** ARN of the caller: a function that is gone has no other account to be looked for in. */
  readonly caller?: string | undefined;
}
