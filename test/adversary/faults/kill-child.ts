/** A process that runs one capture as the first argument tells. It says when it begins, and is killed from outside. */
import { writeSync } from 'node:fs';
import { runCapture } from '../../../src/capture/capture.ts';
import { resolveConfig } from '../../../src/config/config.ts';
import { BEGIN, type ChildOrder } from './kill-order.ts';

const { options, roots } = JSON.parse(process.argv[2] ?? '') as ChildOrder;
const config = resolveConfig(options, {});
// Loaded before: what is to be hit is the capture, not the loading of modules.
await (config.s3Transport === 'light'
  ? Promise.all([import('../../../src/ship/s3-light.ts'), import('aws4'), import('node:http')])
  : Promise.all([import('../../../src/ship/s3-sdk.ts'), import('@aws-sdk/client-s3')]));
writeSync(1, BEGIN);
await runCapture({
  config,
  roots,
  inProcess: true,
  invocation: undefined,
  hardStopMs: Date.now() + config.maxMs,
  cause: { trigger: 'call', reason: 'the kill test asked for it' },
});
