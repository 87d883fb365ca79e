/**
 * The registry of collectors. Its order is the order of volatility (RFC 3227 section 2.1), so it is the order of the
 * tarball: what vanishes first is read and stored first. A new collector is one file and one line here.
 */
import type { Collector } from '../contracts/evidence.ts';
import { code } from './code.ts';
import { descriptors } from './descriptors.ts';
import { environment } from './environment.ts';
import { executables } from './executables.ts';
import { findings } from './findings.ts';
import { heap } from './heap.ts';
import { interpreter } from './interpreter.ts';
import { inventory } from './inventory.ts';
import { invocation } from './invocation.ts';
import { memory } from './memory.ts';
import { processMemory } from './process-memory.ts';
import { processes } from './processes.ts';
import { procfs } from './procfs.ts';
import { recorder } from './recorder.ts';
import { recovered } from './recovered.ts';
import { runtime } from './runtime.ts';
import { scripts } from './scripts.ts';
import { served } from './served.ts';
import { sockets } from './sockets.ts';
import { systemInformation } from './system-information.ts';
import { system } from './system.ts';
import { timeline } from './timeline.ts';
import { writable } from './writable.ts';

export const COLLECTORS: readonly Collector[] = [
  // volatile
  recorder,
  invocation,
  processes,
  sockets,
  descriptors,
  environment,
  memory,
  procfs,
  runtime,
  interpreter,
  inventory,
  // recovered
  recovered,
  // files
  findings,
  system,
  writable,
  served,
  timeline,
  // code
  executables,
  code,
  scripts,
  systemInformation,
  // memory
  processMemory,
  heap,
];
