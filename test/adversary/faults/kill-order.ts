/** What the parent of a capture that is to be killed hands over. */
import type { Options } from '../../../src/config/config.ts';
import type { Roots } from '../../../src/contracts/evidence.ts';

/** As JSON in the first argument. */
export interface ChildOrder {
  readonly options: Options;
  readonly roots: Roots;
}

/** What the child writes when its capture begins. */
export const BEGIN = 'the capture begins\n';
