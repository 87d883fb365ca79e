/**
 * A function whose process is not its own any more: `node victim.ts '{…job…}'`. It wraps a handler, lets the attack
 * loose and calls the handler; what the handler gave stands on descriptor 2, as JSON.
 */
import { closeSync, writeSync } from 'node:fs';
import { withCapture } from '../../../src/index.ts';
import type { Options } from '../../../src/config/config.ts';

/** What the attack does between the wrap and the call. */
export const ATTACKS = ['nothing', 'environment', 'stdout', 'arrays', 'json', 'promises', 'buffers'] as const;
export type Attack = (typeof ATTACKS)[number];

export interface Job {
  readonly attack: Attack;
  readonly options: Options;
}

function throws(): never {
  throw new TypeError('poisoned');
}

function replace(target: object, name: string): void {
  Object.defineProperty(target, name, { value: throws, writable: true, configurable: true });
}

const LOOSE: Readonly<Record<Attack, () => void>> = {
  nothing: () => undefined,
  environment: () =>
    Object.assign(process.env, {
      AMBER_DISABLED: '1',
      AMBER_DESTINATION: 'file:///nowhere',
      AMBER_CAPTURE: 'off',
      AMBER_MAX_BYTES: '64KiB',
    }),
  stdout: () => closeSync(1),
  arrays: () => ['map', 'filter', 'flatMap', 'push', 'join'].forEach((name) => replace(Array.prototype, name)),
  json: () => replace(JSON, 'stringify'),
  promises: () => ['then', 'catch', 'finally'].forEach((name) => replace(Promise.prototype, name)),
  buffers: () => ['concat', 'from', 'alloc'].forEach((name) => replace(Buffer, name)),
};

const { attack, options } = JSON.parse(process.argv[2] ?? '') as Job;
const value = { statusCode: 200 };
const handler = withCapture(() => Promise.resolve(value), { capture: 'now', ...options });
const { stringify } = JSON;
const started = performance.now();
LOOSE[attack]();
const result: unknown = await handler();
writeSync(2, `${stringify({ right: result === value, tookMs: Math.round(performance.now() - started) })}\n`);
