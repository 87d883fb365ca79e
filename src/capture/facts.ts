/** What a run says of itself in the commit marker: its clocks, its code, its cost. */
import { hash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { ClockFacts, ShippedSegment, ToolFacts } from '../seal/commit.ts';
import { VERSION } from '../version.ts';

/** Our clock, and how far it was from the destination's: that of the first answer which told its time. */
export function clockFacts(startedMs: number, elapsedMs: number, shipped: readonly ShippedSegment[]): ClockFacts {
  const dated = shipped.find((one) => one.receipt?.serverDate !== undefined);
  const offset = Date.parse(dated?.receipt?.serverDate ?? '') - (dated?.settledMs ?? 0);
  return {
    started: new Date(startedMs).toISOString(),
    ended: new Date().toISOString(),
    elapsedMs,
    destinationOffsetSeconds: Number.isNaN(offset) ? null : Math.round(offset / 1000),
  };
}

/** The module that runs, so that a reader can tell a patched copy from a released one. */
export function toolFacts(): ToolFacts {
  return { name: 'lambda-amber', version: VERSION, sha256: ownHash(), node: process.version };
}

function ownHash(): string | null {
  try {
    return hash('sha256', readFileSync(fileURLToPath(import.meta.url)), 'hex');
  } catch {
    return null; // bundled to CommonJS: there is no own file to read, and null says so
  }
}

/** What a run is measured by, from here on. */
export interface RunClock {
  readonly startedMs: number;
  /** Resident bytes at the start. */
  readonly rssBefore: number;
  readonly elapsedMs: () => number;
  /** Milliseconds of CPU, user and system. */
  readonly cpuMs: () => number;
}

export function startClock(): RunClock {
  const started = performance.now();
  const cpu = process.cpuUsage();
  return {
    startedMs: Date.now(),
    rssBefore: process.memoryUsage.rss(),
    elapsedMs: () => Math.round(performance.now() - started),
    cpuMs: () => {
      const { user, system } = process.cpuUsage(cpu);
      return Math.round((user + system) / 1000);
    },
  };
}
