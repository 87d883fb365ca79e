/** The three ways in which the layer is put in front of a function, and none of them. */
import { join, resolve } from 'node:path';
import { ric3, ric4, ric4on22, type Client } from '../sandbox/clients.ts';

export const WAYS = ['redirect', 'exec', 'preload'] as const;
export type Way = (typeof WAYS)[number];

/** Version 3 as nodejs22.x starts it. */
export const managed3: Client = {
  ...ric3,
  args: () => [...ric3.args('').slice(0, -2), resolve('test/sandbox/managed-v3.mjs')],
};

/** Both generations, on each version of Node on which Lambda has them. */
export const REAL_CLIENTS: readonly Client[] = [managed3, ric4on22, ric4];

export interface Attached {
  readonly client: Client;
  readonly handler: string;
  readonly env: Readonly<Record<string, string>>;
}

/** The layer's own handler, as it stands in the configuration of a function. */
export function layerHandler(opt: string): string {
  return join(opt, 'nodejs/node_modules/lambda-amber/handler.handler');
}

/** What is to be configured so that the layer below `opt` stands in front of this handler. */
export function attach(way: Way, opt: string, client: Client, handler: string): Attached {
  switch (way) {
    case 'redirect':
      return { client, handler: layerHandler(opt), env: { AMBER_HANDLER: handler } };
    // The platform starts the wrapper with the command of the runtime as its arguments (AWS, "Wrapper scripts").
    case 'exec':
      return {
        client: { ...client, node: join(opt, 'amber-exec'), args: (name) => [client.node, ...client.args(name)] },
        handler,
        env: {},
      };
    case 'preload':
      return {
        client,
        handler,
        env: { NODE_OPTIONS: `--require ${join(opt, 'nodejs/node_modules/lambda-amber/preload.cjs')}` },
      };
  }
}
