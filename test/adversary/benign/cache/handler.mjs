import { randomBytes } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';

const MIB = 2 ** 20;
const noise = randomBytes(MIB);
let turn = 0;

export const handler = async () => {
  mkdirSync('/tmp/cache', { recursive: true });
  if (turn === 0) {
    writeFileSync('/tmp/cache/model.bin', Buffer.alloc(200 * MIB, 1));
    for (let n = 0; n < 290; n += 1) writeFileSync(`/tmp/cache/item-${n}`, noise);
  }
  turn += 1;
  for (let n = 0; n < 10; n += 1) writeFileSync(`/tmp/cache/item-${n}`, randomBytes(MIB));
  return turn;
};
