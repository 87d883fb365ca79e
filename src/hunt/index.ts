/** The hunts. A new one = one plain object and one line here. */
import type { Hunt } from './contracts.ts';
import {
  blobs,
  downloads,
  killed,
  loaders,
  miners,
  payloads,
  readOnlyWrites,
  sandboxAware,
  scanners,
  secrets,
  shellErrors,
} from './line-hunts.ts';
import { novelty } from './novelty.ts';
import { probing } from './probing.ts';
import { durationDrift, memoryJump } from './report-hunts.ts';
import { longLived, rareRuntimes, resets, silence, unknownExtensions } from './stream-hunts.ts';

export const HUNTS: readonly Hunt[] = [
  memoryJump,
  durationDrift,
  killed,
  resets,
  shellErrors,
  downloads,
  miners,
  blobs,
  secrets,
  payloads,
  sandboxAware,
  unknownExtensions,
  rareRuntimes,
  silence,
  readOnlyWrites,
  loaders,
  probing,
  scanners,
  longLived,
  novelty,
];
