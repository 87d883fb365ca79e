import { spawn } from 'node:child_process';

export const handler = async () => {
  const run = spawn('/opt/bin/migration-runner', ['1.2']);
  spawn('/opt/bin/watchdog', ['1.2']);
  await new Promise((done) => setTimeout(done, 100));
  return run.pid > 0;
};
