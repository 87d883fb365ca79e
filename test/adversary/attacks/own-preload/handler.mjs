// Harmless: the text that is loaded does nothing.
import { spawnSync } from 'node:child_process';

export const handler = async (event) => {
  if (event.attack === true) process.env.NODE_OPTIONS = '--import data:text/javascript,1';
  return spawnSync(process.execPath, ['--version']).status === 0 ? 'ok' : 'failed';
};
