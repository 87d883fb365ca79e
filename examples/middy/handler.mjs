// The same as a middleware of middy.
import middy from '@middy/core';
import { amberMiddleware } from 'lambda-amber';

export const handler = middy()
  .use(amberMiddleware({ onError: 'any' }))
  .handler(async (event) => {
    if (event?.fail) throw new TypeError('the order has no lines');
    return { statusCode: 200, body: 'ok' };
  });
