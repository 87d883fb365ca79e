/** What a new redactor makes of a value. */
import { createRedactor } from '../../src/secrets/redactor.ts';

export const json = (value: unknown): unknown => createRedactor().json(value).value;
