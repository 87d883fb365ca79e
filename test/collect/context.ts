/** A scene made by hand, so that collectors can be driven without the rest of a capture. */
import { closeSync, readSync } from 'node:fs';
import { resolveConfig, type Options } from '../../src/config/config.ts';
import type { Budget, Collector, Entry, CollectorContext } from '../../src/contracts/evidence.ts';
import type { ProcessRecord, ProcessTable } from '../../src/contracts/process-table.ts';

export interface ContextFacts {
  readonly writable?: readonly string[];
  readonly code?: readonly string[];
  readonly options?: Options;
  readonly processes?: readonly Partial<ProcessRecord>[];
  readonly budget?: Partial<Budget>;
}

export function makeContext(facts: ContextFacts): CollectorContext {
  return {
    captureId: '01890000-0000-7000-8000-000000000000',
    startedMs: Date.now(),
    cause: { trigger: 'call', reason: 'test' },
    invocation: undefined,
    config: resolveConfig(facts.options ?? {}, {}),
    roots: { proc: '/proc', etc: '/etc', writable: facts.writable ?? [], code: facts.code ?? [] },
    budget: { ...pacedBudget(), ...facts.budget },
    env: {},
    inProcess: true,
    processes: () => Promise.resolve(makeTable(facts.processes ?? [])),
  };
}

export interface PacedBudget extends Budget {
  /** Longest time between two turns of the event loop, as seen by yieldIfDue(). */
  readonly longestHoldMs: () => number;
}

/** A budget without end, with slices of 8 ms as in config.sliceMs, that notes how long the main thread was held. */
export function pacedBudget(sliceMs = 8): PacedBudget {
  let since = performance.now();
  let longest = 0;
  return {
    signal: new AbortController().signal,
    remainingMs: () => 1e9,
    remainingBytes: () => 2 ** 40,
    yieldIfDue: () => {
      const held = performance.now() - since;
      if (held > longest) longest = held;
      if (held < sliceMs) return undefined;
      return new Promise((resolve) => {
        setImmediate(() => {
          since = performance.now();
          resolve();
        });
      });
    },
    longestHoldMs: () => longest,
  };
}

/** A table with what the collectors of files ask of it, and nothing else. */
export function makeTable(processes: readonly Partial<ProcessRecord>[]): ProcessTable {
  const records = processes.map((one, index) => {
    const record: Partial<ProcessRecord> = {
      pid: index + 100,
      ppid: 1,
      comm: '',
      startMs: 0,
      argv: [],
      descriptors: [],
      files: new Map(),
      links: new Map(),
      ...one,
    };
    return record as ProcessRecord;
  });
  const table: Partial<ProcessTable> = {
    takenMs: Date.now(),
    self: 100,
    bootMs: 0,
    ticksPerSecond: 100,
    processes: records,
  };
  return table as ProcessTable;
}

/**
 * Every entry of a collector. Descriptors are read (the first `head` bytes, latin1) and closed, as the archive would.
 */
export async function drain(collector: Collector, context: CollectorContext, head = 64): Promise<Drained[]> {
  const drained: Drained[] = [];
  for await (const entry of collector.collect(context)) {
    drained.push({ entry, head: entry.kind === 'file' ? readAndClose(entry.fd, head) : '' });
  }
  return drained;
}

export interface Drained {
  readonly entry: Entry;
  readonly head: string;
}

function readAndClose(fd: number, count: number): string {
  const buffer = Buffer.alloc(count);
  try {
    return buffer.toString('latin1', 0, readSync(fd, buffer, 0, count, 0));
  } finally {
    closeSync(fd);
  }
}

/** Entries by source path; fails on a path that ends in two entries. */
export function bySource(drained: readonly Drained[]): Map<string, Drained> {
  const map = new Map<string, Drained>();
  for (const one of drained) {
    if (map.has(one.entry.source)) throw new Error(`two entries for ${JSON.stringify(one.entry.source)}`);
    map.set(one.entry.source, one);
  }
  return map;
}
