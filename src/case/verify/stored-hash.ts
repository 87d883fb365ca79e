/**
 * SHA-256 of the stored bytes, of each part and of the whole. Two digests of the same bytes are most of the work of
 * verify, so a thread does them while this one reads the tar stream.
 */
import { createHash } from 'node:crypto';
import { Worker } from 'node:worker_threads';
import { AmberError } from '../../errors.ts';

export interface StoredHasher {
  /** Takes the next bytes; wait for the promise, where there is one, before giving more. */
  readonly update: (chunk: Uint8Array) => Promise<void> | undefined;
  /** Lower-case hex SHA-256 of what came since the last end. */
  readonly endPart: () => Promise<string>;
  /** Lower-case hex SHA-256 of all. */
  readonly finish: () => Promise<string>;
  readonly close: () => void;
}

/** Below this a thread costs more than it saves. */
const WORTH_BYTES = 16 * 1024 * 1024;

export function hashStored(total: number): StoredHasher {
  return total < WORTH_BYTES ? hashHere() : hashInThread();
}

function hashHere(): StoredHasher {
  const whole = createHash('sha256');
  let part = createHash('sha256');
  return {
    update: (chunk) => {
      part.update(chunk);
      whole.update(chunk);
      return undefined;
    },
    endPart: () => {
      const sha256 = part.digest('hex');
      part = createHash('sha256');
      return Promise.resolve(sha256);
    },
    finish: () => Promise.resolve(whole.digest('hex')),
    close: () => undefined,
  };
}

const SLOTS = 6;
const SLOT_BYTES = 1024 * 1024;

/** A string, because the command is one bundled file: there is no module that a thread could load. */
const THREAD = `
const { parentPort, workerData } = require('node:worker_threads');
const { createHash } = require('node:crypto');
const slots = workerData.map((memory) => Buffer.from(memory));
const whole = createHash('sha256');
let part = createHash('sha256');
parentPort.on('message', ({ slot, bytes, end }) => {
  if (end === undefined) {
    const piece = slots[slot].subarray(0, bytes);
    part.update(piece);
    whole.update(piece);
    parentPort.postMessage({ slot });
  } else {
    const sha256 = (end === 'part' ? part : whole).digest('hex');
    if (end === 'part') part = createHash('sha256');
    parentPort.postMessage({ sha256 });
  }
});
`;

interface Answer {
  readonly slot?: number;
  readonly sha256?: string;
}

/** The bytes go through a few slots of shared memory, so nothing is allocated and the thread cannot fall behind. */
function hashInThread(): StoredHasher {
  const memory = Array.from({ length: SLOTS }, () => new SharedArrayBuffer(SLOT_BYTES));
  const slots = memory.map((shared) => Buffer.from(shared));
  const worker = new Worker(THREAD, { eval: true, execArgv: [], workerData: memory });
  const free = slots.map((_, index) => index);
  const waiting: { resolve: (answer: Answer) => void; reject: (cause: unknown) => void; wants: keyof Answer }[] = [];
  let failure: AmberError | undefined;
  worker.on('message', (answer: Answer) => {
    if (answer.slot !== undefined) free.push(answer.slot);
    const index = waiting.findIndex(({ wants }) => answer[wants] !== undefined);
    if (index >= 0) waiting.splice(index, 1)[0]?.resolve(answer);
  });
  worker.on('error', (cause) => {
    failure = new AmberError('BUG', 'The thread that computes digests has failed.', { cause });
    for (const { reject } of waiting.splice(0)) reject(failure);
  });
  const next = (wants: keyof Answer): Promise<Answer> =>
    failure === undefined
      ? new Promise((resolve, reject) => waiting.push({ resolve, reject, wants }))
      : Promise.reject(failure);
  const digest = async (end: 'part' | 'whole'): Promise<string> => {
    const answer = next('sha256');
    worker.postMessage({ end });
    return (await answer).sha256 ?? '';
  };
  return {
    update: async (chunk) => {
      for (let at = 0; at < chunk.length; at += SLOT_BYTES) {
        while (free.length === 0) await next('slot');
        const slot = free.pop() ?? 0;
        const piece = chunk.subarray(at, at + SLOT_BYTES);
        slots[slot]?.set(piece);
        worker.postMessage({ slot, bytes: piece.length });
      }
    },
    endPart: () => digest('part'),
    finish: () => digest('whole'),
    close: () => void worker.terminate(),
  };
}
