/** `/opt/nodejs/node_modules/lambda-amber/handler.mjs`: what the runtime loads in place of the function. */
import { redirect } from '../src/host/wrapper/redirect.ts';

export const handler: unknown = await redirect({
  own: import.meta.url,
  env: process.env,
  library: async () => import('../src/index.ts'),
  load: async (path): Promise<unknown> => import(path),
});
