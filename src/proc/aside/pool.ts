/**
 * Reading procfs by a child, where a process is seen that could let its readers hang: who holds `/dev/fuse` or a
 * userfaultfd may serve pages of any process, and a read of its arguments, environment or mappings then waits for ever.
 * In our own thread pool such a read would keep `process.exit()` of the function from returning, since Node joins its
 * threads.
 */
import { existsSync, readdirSync, readlinkSync } from 'node:fs';
import { createPool, type BoundedPool } from '../bounded-pool.ts';
import { failure, SPENT, type Allowance, type PoolRead, type ReadRule } from '../read.ts';
import { yieldToEventLoop } from '../session.ts';
import { startProcfs, type Aside } from './child.ts';
import type { ProcRead } from '../../contracts/process-table.ts';
import { many } from '../../many.ts';

export interface AsidePool {
  readonly pool: PoolRead;
  readonly boundedPool: BoundedPool;
  /** Of the pool; the child has limits of its own, so that no job of it hangs. */
  readonly slowMs: number;
  readonly end: () => void;
}

/** Links that are looked at; who has more descriptors open than that is taken for one that serves. */
const MAX_LINKS = 20_000;
const A_STRETCH = 256;
const SERVES = /^(?:\/dev\/fuse$|anon_inode:\[userfaultfd\])/u;
/** Children that may be left behind in one table. */
const MAX_LEFT_BEHIND = 4;
const LANES = 4;
const LANE_MS = 10_000;

/** The pool of a child, or undefined where nobody is seen that could let a reader hang: the ordinary case. */
export async function asidePool(root: string, pids: readonly number[], slowMs: number): Promise<AsidePool | undefined> {
  if (!existsSync('/dev/fuse') || !(await anyServes(root, pids))) return undefined;
  const reader = new Reader(slowMs);
  return {
    pool: (path, rule, allowance, _ticket, done) => void reader.read(path, rule, allowance).then(done),
    boundedPool: createPool(LANES),
    slowMs: LANE_MS,
    end: () => reader.end(),
  };
}

async function anyServes(root: string, pids: readonly number[]): Promise<boolean> {
  let looked = 0;
  for (const pid of pids) {
    for (const fd of descriptorsOf(`${root}/${pid}/fd`)) {
      if ((looked += 1) > MAX_LINKS || SERVES.test(linkOf(`${root}/${pid}/fd/${fd}`))) return true;
      if (looked % A_STRETCH === 0) await yieldToEventLoop();
    }
  }
  return false;
}

function descriptorsOf(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

function linkOf(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return '';
  }
}

class Reader {
  readonly #slowMs: number;
  readonly #hung = new Set<string>();
  #child: Aside | undefined;
  #started = 0;
  #last: Promise<unknown> = Promise.resolve();
  #ended = false;

  constructor(slowMs: number) {
    this.#slowMs = slowMs;
  }

  /** One after the other. Never rejects. */
  read(path: string, rule: ReadRule, allowance: Allowance): Promise<ProcRead> {
    const next = this.#last.then(() => this.#read(path, rule, allowance));
    this.#last = next;
    return next;
  }

  end(): void {
    this.#ended = true;
    this.#child?.abandon();
  }

  async #read(path: string, rule: ReadRule, allowance: Allowance): Promise<ProcRead> {
    const process = path.split('/').slice(0, 3).join('/');
    if (allowance.left <= 0) return SPENT;
    if (this.#hung.has(process))
      return { ok: false, outcome: 'timed-out', reason: 'not tried: another read of this process hangs' };
    if (this.#ended || this.#started > MAX_LEFT_BEHIND)
      return {
        ok: false,
        outcome: 'timed-out',
        reason: 'not tried: ' + many(this.#hung.size, 'earlier read of procfs hangs', 'earlier reads of procfs hang'),
      };
    try {
      return await this.#ask(path, Math.min(rule.cap, allowance.left), allowance);
    } catch {
      this.#hung.add(process);
      this.#child?.abandon();
      this.#child = undefined;
      return { ok: false, outcome: 'timed-out', reason: `no answer within ${this.#slowMs} ms` };
    }
  }

  async #ask(path: string, cap: number, allowance: Allowance): Promise<ProcRead> {
    if (this.#child === undefined) {
      this.#started += 1;
      this.#child = startProcfs();
    }
    const child = this.#child;
    child.ask?.({ path, cap });
    const item = await child.next();
    // It has started: from now on an answer takes no longer than the read.
    child.patience(this.#slowMs);
    if (item?.body === undefined) return failure({ code: item?.problem ?? 'EIO' });
    const pieces: Uint8Array[] = [];
    for await (const piece of item.body()) pieces.push(piece);
    const all = Buffer.concat(pieces);
    const body = all.subarray(0, cap);
    allowance.left -= body.length;
    return { ok: true, body, truncated: all.length > cap };
  }
}
