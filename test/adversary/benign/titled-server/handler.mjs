import { fork } from 'node:child_process';
import { once } from 'node:events';

const server = fork('/var/task/server.mjs');

export const handler = async () => {
  server.send('work');
  return (await once(server, 'message'))[0];
};
