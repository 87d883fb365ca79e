// Harmless: the files are the function's own, and the key lies beside them.
import { createCipheriv } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';

const KEY = Buffer.alloc(32, 7);
const KINDS = ['csv', 'json', 'txt', 'pdf'];

mkdirSync('/tmp/orders', { recursive: true });
for (let turn = 0; turn < 16; turn += 1)
  writeFileSync(`/tmp/orders/order-${turn}.${KINDS[turn % KINDS.length]}`, `order ${turn}\n`.repeat(50));

export const handler = async (event) => {
  if (event.attack !== true) return 'ok';
  for (const name of readdirSync('/tmp/orders')) {
    const cipher = createCipheriv('aes-256-ctr', KEY, Buffer.alloc(16));
    writeFileSync(`/tmp/orders/${name}`, cipher.update(readFileSync(`/tmp/orders/${name}`)));
    renameSync(`/tmp/orders/${name}`, `/tmp/orders/${name}.locked`);
  }
  writeFileSync('/tmp/key', KEY);
  return 'ok';
};
