/**
 * A reporter of node:test that stands beside the one for readers: one line of JSON for what test/run.ts sums up at the
 * end, over both runs. It is loaded by the Node that runs the tests.
 */
import type { TestEvent } from 'node:test/reporters';

/** What is told of a run, one a line. */
export type Told =
  | { readonly told: 'file'; readonly file: string; readonly ms: number }
  | {
      readonly told: 'skip';
      readonly file: string;
      readonly name: string;
      readonly why: string;
      /** A skipped suite counts once: node does not tell how many tests it holds. */
      readonly isSuite: boolean;
    }
  | { readonly told: 'fail'; readonly file: string; readonly name: string };

/** The events of one run, of which only some are told. */
export default async function* tally(events: AsyncIterable<TestEvent>): AsyncGenerator<string> {
  for await (const event of events) {
    const told = toldOf(event);
    if (told !== undefined) yield `${JSON.stringify(told)}\n`;
  }
}

function toldOf({ type, data }: TestEvent): Told | undefined {
  if (type === 'test:summary')
    return data.file === undefined
      ? undefined
      : { told: 'file', file: relativePath(data.file), ms: Math.round(data.duration_ms) };
  if (type !== 'test:pass' && type !== 'test:fail') return undefined;
  const file = relativePath(data.file ?? data.name);
  if (data.skip !== undefined && data.skip !== false)
    return {
      told: 'skip',
      file,
      name: data.name,
      why: typeof data.skip === 'string' ? data.skip : '',
      isSuite: data.details.type === 'suite',
    };
  if (type !== 'test:fail' || data.todo !== undefined) return undefined;
  // A suite fails with its tests, which are told themselves.
  const { error } = data.details;
  return 'failureType' in error && error.failureType === 'subtestsFailed'
    ? undefined
    : { told: 'fail', file, name: data.name };
}

function relativePath(file: string): string {
  const root = `${process.cwd()}/`;
  return file.startsWith(root) ? file.slice(root.length) : file;
}
