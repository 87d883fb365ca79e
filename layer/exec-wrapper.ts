/** `/opt/amber-exec`, the same in every layer: it learns from the environment which language it stands in front of. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { LayerFile } from './contracts.ts';

export function execWrapper(): LayerFile {
  return {
    path: 'amber-exec',
    bytes: readFileSync(join(import.meta.dirname, 'exec/amber-exec')),
    executable: true,
  };
}
