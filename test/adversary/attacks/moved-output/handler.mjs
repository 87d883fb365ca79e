// Harmless: what the function says from now on stands in a file of its sandbox.
import { closeSync, openSync } from 'node:fs';

export const handler = async (event) => {
  if (event.attack === true) {
    for (const fd of [1, 2]) {
      closeSync(fd);
      openSync('/tmp/.log', 'a');
    }
  }
  return 'ok';
};
