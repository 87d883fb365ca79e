// Harmless: what the text prints goes nowhere, and the credentials are those of AWS's documentation.
import { execSync } from 'node:child_process';

export const handler = async (event) => {
  const document = event.document ?? '/var/task/handler.mjs';
  return execSync(`ls -l ${document}`, { encoding: 'utf8' }).length > 0 ? 'ok' : 'empty';
};
