/** An identity of the npm age-encryption package, and the code with which something fails. */
import assert from 'node:assert/strict';
import * as typage from 'age-encryption';
import { isAmberError } from '../../src/errors.ts';

export const IDENTITY: string = await typage.generateX25519Identity();
export const RECIPIENT: string = await typage.identityToRecipient(IDENTITY);

export function codeOf(action: () => unknown): string | undefined {
  try {
    action();
    return undefined;
  } catch (error) {
    assert.ok(isAmberError(error), String(error));
    return error.code;
  }
}
