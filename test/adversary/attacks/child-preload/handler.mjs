// Harmless: the text that is loaded does nothing.
import { spawnSync } from 'node:child_process';

export const handler = async (event) => {
  const env = event.attack === true ? { ...process.env, NODE_OPTIONS: '--import data:text/javascript,1' } : process.env;
  return spawnSync(process.execPath, ['--version'], { env }).status === 0 ? 'ok' : 'failed';
};
