// Harmless: what is copied stays in the memory. The client is not the SDK; it lies where the SDK's base class does.
import { createRequire } from 'node:module';

const require = createRequire(import.meta.url);
const { Client } = require('@smithy/smithy-client');
const client = new Client();

export const handler = async (event) => {
  // What it needs it loads when it needs it: a package of its own first, one that was tampered with later.
  if (event.first === true) require('small-first');
  if (event.second === true) require('small-second');
  return client.send({ Bucket: 'orders', Key: '1' });
};
