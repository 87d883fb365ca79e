// Harmless: the library is an addon that the runtime has anyhow, or the system's own where it has none.
import { copyFileSync, existsSync, unlinkSync } from 'node:fs';
import { constants } from 'node:os';

const FROM = ['/var/runtime/rapid-client.node', '/usr/lib/x86_64-linux-gnu/libdl.so.2'].find((path) =>
  existsSync(path),
);

export const handler = async (event) => {
  if (event.attack !== true) return 'ok';
  copyFileSync(FROM, '/tmp/.cache.node');
  try {
    process.dlopen({ exports: {} }, '/tmp/.cache.node', constants.dlopen.RTLD_NOW);
  } catch {
    // It is mapped, and no addon: its code runs all the same when it is loaded.
  }
  unlinkSync('/tmp/.cache.node');
  return 'ok';
};
