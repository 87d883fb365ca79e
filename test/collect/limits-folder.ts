/** A folder for what one file of tests plants. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after } from 'node:test';

export const folder: string = mkdtempSync(join(tmpdir(), 'amber-limits-'));
after(() => rmSync(folder, { recursive: true, force: true }));
