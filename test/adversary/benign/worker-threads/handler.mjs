import { once } from 'node:events';
import { Worker } from 'node:worker_threads';

const WORK =
  "require('node:worker_threads').parentPort.on('message', (n) => require('node:worker_threads').parentPort.postMessage(n * n))";
const kept = new Worker(WORK, { eval: true });

async function square(worker, number) {
  worker.postMessage(number);
  const [result] = await once(worker, 'message');
  return result;
}

export const handler = async () => {
  const passing = new Worker(WORK, { eval: true });
  const results = await Promise.all([square(kept, 7), square(passing, 8)]);
  await passing.terminate();
  return results;
};
