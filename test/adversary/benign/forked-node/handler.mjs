import { fork } from 'node:child_process';
import { once } from 'node:events';

const kept = fork('/var/task/job.mjs');

async function ask(child, number) {
  child.send(number);
  const [result] = await once(child, 'message');
  return result;
}

export const handler = async () => {
  const passing = fork('/var/task/job.mjs');
  const results = await Promise.all([ask(kept, 7), ask(passing, 8)]);
  passing.disconnect();
  await once(passing, 'exit');
  return results;
};
