/** TypeScript of a user, which is compiled against the declarations of the package. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';

/** A function of a user, typed by what the package says. */
export const TYPED: string = `
import { amberMiddleware, capture, isAmberError, withCapture, type Cause, type Collector, type Config, type Entry, type Options, type Trigger, type TriggerEvent } from 'lambda-amber';
interface Event { readonly id: string }
const mine: Collector = { name: 'mine', description: 'mine', tier: 'files', *collect(scene): Generator<Entry> { yield { kind: 'json', path: 'mine.json', source: 'mine', method: 'api', value: scene.captureId }; } };
const shell: Trigger = { name: 'web-shell', description: 'a web shell', moments: (config: Config) => (config.onError === 'any' ? ['settled'] : ['settled', 'failed']), fires: (moment: TriggerEvent): Cause | undefined => (moment.at === 'failed' && moment.error instanceof TypeError ? { trigger: 'web-shell', reason: 'a type error' } : undefined) };
const options: Options = { triggers: [shell],  destination: 's3://bucket/prefix', compression: 'gzip', maxBytes: '512MiB', maxMs: 4000, s3PathStyle: true, collect: ['-code'], collectors: [mine], recipient: undefined };
export const handler = withCapture(async (event: Event, context: { awsRequestId: string }): Promise<number> => event.id.length + context.awsRequestId.length, options);
export const answered: Promise<number> = handler({ id: 'a' }, { awsRequestId: 'b' });
const short = withCapture(async (event) => event.id as string);
export const shortAnswers: readonly Promise<string>[] = [short({ id: 'a' }), short({ id: 'a' }, { awsRequestId: 'b' }), short({ id: 'a' }, {}, () => undefined)];
const own = withCapture(async (event: Event): Promise<string> => event.id);
export const ownAnswer: Promise<string> = own({ id: 'a' }, { awsRequestId: 'b' });
// @ts-expect-error the event is the handler's own
export const ownWrong = own({ id: 7 }, {});
// @ts-expect-error the context that a handler names is the handler's own
export const contextWrong = handler({ id: 'a' }, { awsRequestId: 7 });
const bare = withCapture(() => 7);
export const bareAnswers: readonly number[] = [bare(), bare({}), bare({}, {})];
export const sameKind: (event: Event) => Promise<string> = own;
const described = withCapture(Object.assign(async (event: Event) => event.id, { use: (name: string): string => name }));
export const used: string = described.use('a');
export const middleware = amberMiddleware({ onError: 'any' });
export const report = capture({ reason: 'a test' }).then(({ state, error }) => (isAmberError(error) ? error.code : state));
// @ts-expect-error gz is no word
export const wrong: Options = { compression: 'gz' };
// @ts-expect-error an option that there is not
export const unknown: Options = { destinaton: 's3://x' };
`;

/** The collector and the trigger that the documents show, in a function of a user. */
export function readmeCollector(): string {
  const [, shown] =
    /^## Extend it from your code\n[^]*?```ts\n([^]*?)```/mu.exec(readFileSync('src/README.md', 'utf8')) ?? [];
  assert.ok(shown, 'src/README.md shows a collector in TypeScript');
  return `const orders: readonly string[] = [];\nconst work = async (event: { id: string }): Promise<string> => event.id;\n${shown.replace(/^import .*$/mu, '')}\nexport const extended: Promise<string> = handler({ id: 'a' }, {});\n`;
}
