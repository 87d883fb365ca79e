// The smallest use: wrap the handler, say where captures go (AMBER_DESTINATION, or here), decide when.
import { withCapture } from 'lambda-amber';

export const handler = withCapture(
  async (event) => ({ statusCode: 200, body: `hello ${event?.name ?? 'world'}` }),
  { onError: 'any' }, // capture when the handler fails, before the error is passed on
);
