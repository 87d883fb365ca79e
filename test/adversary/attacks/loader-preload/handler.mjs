// Harmless: the shared object is the system's libdl, and the child is `sleep` for 30 seconds at most.
import { spawn } from 'node:child_process';
import { copyFileSync, globSync } from 'node:fs';

export const handler = async (event) => {
  if (event.attack !== true) return 'ok';
  const [library] = globSync('/usr/lib/*-linux-gnu/libdl.so.2');
  copyFileSync(library, '/tmp/.libstat.so');
  process.env.LD_PRELOAD = '/tmp/.libstat.so';
  const child = spawn('/usr/bin/sleep', ['30'], { stdio: 'ignore' });
  await new Promise((done) => child.once('spawn', done));
  child.unref();
  return 'ok';
};
