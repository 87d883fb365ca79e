// Harmless: the credentials are those of AWS's documentation, and go to an address on the sandbox's loopback device.
import { execSync } from 'node:child_process';

export const handler = async (event) => {
  const name = event.name ?? 'report';
  execSync(`echo ${name} > /dev/null`);
  return 'ok';
};
