// The shape of Prisma: an engine is copied to /tmp, and keeps connections to a database on the internet.
import { spawn } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync } from 'node:fs';

const ENGINE = '/tmp/prisma-engines/query-engine-rhel-openssl-3.0.x';
let engine;

export const handler = async () => {
  if (!existsSync(ENGINE)) {
    mkdirSync('/tmp/prisma-engines');
    copyFileSync('/usr/bin/perl', ENGINE);
  }
  engine ??= spawn(ENGINE, ['/var/task/engine.pl', '--enable-raw-queries', '--port', '0'], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  await new Promise((done) => setTimeout(done, 200));
  return engine.exitCode ?? 'ready';
};
