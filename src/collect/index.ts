/**
 * The registry of collectors. Its order is the order of volatility (RFC 3227 section 2.1), so it is the order of the
 * tarball: what vanishes first is read and stored first. A new collector is one file and one line here.
 */
import type { Collector } from '../contracts.ts';
import { code } from './code.ts';
import { heap } from './heap.ts';
import { inventory } from './inventory.ts';
import { invocation } from './invocation.ts';
import { processMemory } from './process-memory.ts';
import { runtime } from './runtime.ts';
import { scripts } from './scripts.ts';
import { systemInformation } from './system-information.ts';
import { system } from './system.ts';
import { timeline } from './timeline.ts';
import { writable } from './writable.ts';

// prettier-ignore
export const COLLECTORS: readonly Collector[] = [
  // volatile
  invocation,
  runtime,
  inventory,
  // recovered
  // files
  system,
  writable,
  timeline,
  // code
  code,
  scripts,
  systemInformation,
  // memory
  processMemory,
  heap,
];
