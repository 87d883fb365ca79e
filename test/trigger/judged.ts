/** Orders of a responder, and what is said of them. */
import { resolveConfig, type Options } from '../../src/config/config.ts';
import { judgeOrder, type JudgeOptions, type OrderRefusal } from '../../src/trigger/order-judge.ts';
import { bytes, newResponder, signerFor, type Responder, type Sign } from '../host/orders/orders.ts';
import type { Config } from '../../src/contracts/evidence.ts';

export const signed: Sign = signerFor('s3://control/k');
export const responder: Responder = newResponder();
export const NOW: number = Date.now();

export const config = (options: Options = {}): Config =>
  resolveConfig({ destination: 's3://evidence/amber', controlKey: responder.key, ...options }, {});

export function judge(document: unknown, options: Partial<JudgeOptions> = {}): ReturnType<typeof judgeOrder> {
  return judgeOrder(document instanceof Buffer ? document : bytes(document), {
    config: config(),
    channel: 's3://control/k',
    trigger: 'control',
    nowMs: NOW,
    ...options,
  });
}

export function why(document: unknown, options: Partial<JudgeOptions> = {}): OrderRefusal | 'admitted' | 'idle' {
  const verdict = judge(document, options);
  return verdict.kind === 'refused' ? verdict.why : verdict.kind;
}
