// As update-notifier does: a script of the package asks a registry, loose from the function.
import { spawn } from 'node:child_process';

let isAsked = false;

export const handler = async () => {
  if (!isAsked) {
    isAsked = true;
    spawn(process.execPath, ['/var/task/check.mjs', '{"name":"tool"}'], { detached: true, stdio: 'ignore' }).unref();
    await new Promise((done) => setTimeout(done, 200));
  }
  return 'ok';
};
