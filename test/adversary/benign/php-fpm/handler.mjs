import { spawn } from 'node:child_process';

const server = spawn('/opt/bin/php-fpm', ['/var/task/php-fpm.pl'], { stdio: ['ignore', 'inherit', 'inherit'] });

export const handler = async () => {
  await new Promise((done) => setTimeout(done, 200));
  if (server.exitCode !== null) throw new Error(`php-fpm ended with ${server.exitCode}`);
  return 'ok';
};
