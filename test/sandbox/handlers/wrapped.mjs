// The function of lifecycle.mjs with Amber in it.
import { withCapture } from '../../../src/index.ts';
import { handler as plain } from './lifecycle.mjs';

export const handler = withCapture(async (event) => {
  if (event.fail !== undefined) throw new TypeError(event.fail);
  if (event.live !== undefined) process.env.SET_BY_CODE = event.live;
  return plain(event);
});
