/**
 * What a command says: results on standard output, everything else on standard error. Never an escape sequence of a
 * capture.
 */
import { randomUUID } from 'node:crypto';
import { asciiDocument } from '../case/view/ascii.ts';
import { demandSafeLines, renderMessage } from '../case/view/safe-names.ts';
import { size } from '../case/view/size.ts';
import { systemCode } from '../errors.ts';

export type Tone = 'good' | 'bad' | 'dim' | 'strong';

export interface Output {
  /** --json was given: only {@link Output.json} may write to standard output. */
  readonly wantsJson: boolean;
  /** One line of a result. The caller has rendered names safely; anything else that is unsafe is escaped here. */
  readonly line: (text?: string) => void;
  /** A remark on standard error. */
  readonly note: (text: string) => void;
  readonly json: (value: unknown) => void;
  /**
   * Lines of a long result as they are: the caller has rendered them, or this throws. Wait for the promise, where there
   * is one, before more.
   */
  readonly write: (text: string) => Promise<void> | undefined;
  /** The reader of standard output has gone away (`amber … | head`): what is written is dropped. */
  readonly isUnread: () => boolean;
  /** The text in a colour where the terminal has any. Use it on text without names. */
  readonly paint: (tone: Tone, text: string) => string;
  /** A meter on standard error, where that is a terminal. Call `end` before anything else is said. */
  readonly meter: (what: string) => Meter;
  /** One line on standard error that the next one takes the place of, where that is a terminal; empty takes it away. */
  readonly status: (text: string) => void;
}

export interface Meter {
  readonly update: (done: number, total: number) => void;
  readonly end: () => void;
}

/** SGR codes of ECMA-48. */
const COLOURS: Readonly<Record<Tone, string>> = { good: '32', bad: '31;1', dim: '2', strong: '1' };
const METER_MS = 200;
const MAX = 1_000_000;

export interface Streams {
  readonly stdout: NodeJS.WriteStream | (NodeJS.WritableStream & { readonly isTTY?: boolean });
  readonly stderr: NodeJS.WriteStream | (NodeJS.WritableStream & { readonly isTTY?: boolean });
  readonly env: NodeJS.ProcessEnv;
}

export function openOutput(streams: Streams, { wantsJson }: { readonly wantsJson: boolean }): Output {
  const { stderr, env } = streams;
  const stdout = untilClosed(streams.stdout);
  // Colours pass as marks that nobody who made a capture can know, and become sequences behind the escaping.
  const mark = `\u0001${randomUUID()}:`;
  const coloured = stdout.isTTY === true && (env['NO_COLOR'] ?? '') === '' && env['TERM'] !== 'dumb';
  return {
    wantsJson,
    line: (text = '') => {
      if (!wantsJson) stdout.write(`${renderPainted(text, mark)}\n`);
    },
    note: (text) => stderr.write(`${renderMessage(text, MAX)}\n`),
    json: (value) => {
      if (wantsJson) stdout.write(`${asciiDocument(value)}\n`);
    },
    write: (text) => {
      demandSafeLines(text);
      return stdout.write(text) ? undefined : drained(streams.stdout);
    },
    isUnread: stdout.isClosed,
    paint: (tone, text) => (coloured ? `${mark}${COLOURS[tone]}m${text}${mark}0m` : text),
    status: statusLine(stderr),
    meter: (what) => (stderr.isTTY === true ? meter(stderr, what) : { update: () => undefined, end: () => undefined }),
  };
}

/** What a command finds is its exit code, whether or not anybody reads the rest of what it says. */
function untilClosed(stream: Streams['stdout']): {
  readonly isTTY: boolean | undefined;
  readonly write: (text: string) => boolean;
  readonly isClosed: () => boolean;
} {
  let closed = false;
  stream.on('error', (error) => (closed ||= systemCode(error) === 'EPIPE'));
  return { isTTY: stream.isTTY, write: (text) => closed || stream.write(text), isClosed: () => closed };
}

/** A reader that has gone away is no reason to wait: the write after it fails. */
function drained(stream: Streams['stdout']): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      for (const event of ['drain', 'close', 'error']) stream.off(event, done);
      resolve();
    };
    for (const event of ['drain', 'close', 'error']) stream.on(event, done);
  });
}

function statusLine(stream: Streams['stderr']): (text: string) => void {
  let width = 0;
  return (text) => {
    if (stream.isTTY !== true) return;
    const safe = renderMessage(text, MAX);
    stream.write(`\r${safe.padEnd(width)}${safe === '' ? '\r' : ''}`);
    width = safe.length;
  };
}

function renderPainted(text: string, mark: string): string {
  const [first = '', ...painted] = text.split(mark);
  let safe = renderMessage(first, MAX);
  for (const piece of painted) {
    const end = piece.indexOf('m') + 1;
    safe += `\u001b[${piece.slice(0, end)}${renderMessage(piece.slice(end), MAX)}`;
  }
  return safe;
}

function meter(stream: Streams['stderr'], what: string): Meter {
  const started = performance.now();
  let last = 0;
  let width = 0;
  return {
    update: (done, total) => {
      const now = performance.now();
      if (now - last < METER_MS) return;
      last = now;
      const rate = done / ((now - started) / 1000);
      const left = rate > 0 ? Math.max(0, (total - done) / rate) : 0;
      const text = `${what}: ${size(done)} of ${size(total)}, ${size(rate)}/s, ${Math.ceil(left)} s left`;
      stream.write(`\r${text.padEnd(width)}`);
      width = text.length;
    },
    end: () => {
      if (width > 0) stream.write(`\r${' '.repeat(width)}\r`);
      width = 0;
    },
  };
}

/** Rows as columns of text; the last column is as long as it is. */
export function table(rows: readonly (readonly string[])[]): readonly string[] {
  const widths: number[] = [];
  for (const row of rows)
    for (const [index, cell] of row.entries()) widths[index] = Math.max(widths[index] ?? 0, cell.length);
  return rows.map((row) =>
    row
      .map((cell, index) => (index === row.length - 1 ? cell : cell.padEnd(widths[index] ?? 0)))
      .join('  ')
      .trimEnd(),
  );
}
