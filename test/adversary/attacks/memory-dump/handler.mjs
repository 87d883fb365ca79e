// Harmless: one page of the runtime's own program is read, and it goes nowhere.
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

const PAGE = 4096;

export const handler = async (event) => {
  if (event.attack !== true) return 'ok';
  const [start] = readFileSync('/proc/self/maps', 'latin1').split('-');
  const skip = Number.parseInt(start, 16) / PAGE;
  spawnSync('dd', [`if=/proc/${process.pid}/mem`, 'of=/dev/null', `bs=${PAGE}`, 'count=1', `skip=${skip}`]);
  return 'ok';
};
