/** One salvage and its records, and captures of which objects are taken away. */
import { unlinkSync } from 'node:fs';
import { join } from 'node:path';
import { openLocal } from '../../../src/case/store/open.ts';
import type { SalvageRecord, SalvageState } from '../../../src/case/salvage/contents.ts';
import { salvage, type SalvageResult } from '../../../src/case/salvage/salvage.ts';
import { openIdentity } from '../../../src/seal/age-open.ts';
import type { MadeCapture } from '../captures.ts';

interface Salvaged {
  readonly result: SalvageResult;
  readonly records: readonly SalvageRecord[];
  readonly by: (state: SalvageState) => string[];
}

export async function run(path: string, identity?: string): Promise<Salvaged> {
  const records: SalvageRecord[] = [];
  const result = await salvage(await openLocal(path), {
    onRecord: (record) => records.push(record),
    ...(identity === undefined ? {} : { identity: openIdentity(identity) }),
  });
  return {
    result,
    records,
    by: (state) => records.filter((record) => record.state === state).map((record) => record.path),
  };
}

/** Removes objects of a capture that lies apart. */
export function without(made: MadeCapture, ...names: readonly (number | string)[]): string {
  for (const name of names) unlinkSync(join(made.folder, typeof name === 'string' ? name : made.segments[name]!.name));
  return made.folder;
}
