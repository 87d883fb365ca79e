/** Standard output of a capture in this process: its log lines go to descriptor 1 itself, past `console`. */
import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';

export interface LogTap {
  /** Takes out the lines that tell of this capture. */
  readonly take: (captureId: string) => string;
  /** When the summary of this capture was written, by performance.now(). */
  readonly summaryAt: (captureId: string) => number | undefined;
  /** Takes out all lines. */
  readonly rest: () => string;
  readonly close: () => void;
}

const real = fs.writeSync;

/** Takes what is written to descriptor 1 with writeSync until it is closed. */
export function tapLog(): LogTap {
  let taken = '';
  const summaries = new Map<string, number>();
  const tap = (fd: number, data: NodeJS.ArrayBufferView | string, ...rest: never[]): number => {
    if (fd !== 1) return real(fd, data as string, ...rest);
    const text =
      typeof data === 'string' ? data : Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString('utf8');
    taken += text;
    for (const [, captureId] of text.matchAll(/^\{"amber":"evidence",.{0,200}?"capture":"([\w-]+)"/gmu))
      if (!summaries.has(captureId ?? '')) summaries.set(captureId ?? '', performance.now());
    return Buffer.byteLength(text);
  };
  fs.writeSync = tap as typeof fs.writeSync;
  syncBuiltinESMExports();
  return {
    take: (captureId) => {
      const lines = taken.split(/(?<=\n)/u);
      const own = (line: string): boolean => line.includes(`"capture":"${captureId}"`);
      taken = lines.filter((line) => !own(line)).join('');
      return lines.filter(own).join('');
    },
    summaryAt: (captureId) => summaries.get(captureId),
    rest: () => {
      const text = taken;
      taken = '';
      return text;
    },
    close: () => {
      fs.writeSync = real;
      syncBuiltinESMExports();
    },
  };
}
