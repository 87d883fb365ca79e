// The function of the probe: gives what it sees, what the extension saw, and what the last shutdown left, as one JSON
// document. With { "spin": true } it never answers, so that the sandbox is reset with the reason `timeout`; with
// { "exit": true } it ends, which is `failure`.
import { readFileSync } from 'node:fs';

const { look } = await import(process.env.PROBE_LOOK ?? '/opt/probe/look.mjs');

export const handler = async (event) => {
  while (event?.spin === true);
  if (event?.exit === true) process.exit(1);
  const document = { ...look('function'), extension: beside() };
  process.stdout.write(`${JSON.stringify(document)}\n`);
  return document;
};

function beside() {
  try {
    return JSON.parse(readFileSync(process.env.PROBE_FILE ?? '/tmp/amber-probe.json', 'utf8'));
  } catch (error) {
    return { error: error.code ?? error.name };
  }
}
