// A function with triggers of its own: a web shell in the event, a slow invocation, and one that is broken.
import { existsSync } from 'node:fs';

const { withCapture } = await import(process.env.SANDBOX_LIBRARY ?? '../../../src/index.ts');

let uploaded = false;
let asked = 0;

const webShell = {
  name: 'web-shell',
  description: 'A file with the name of a web shell was uploaded.',
  moments: () => ['settled'],
  fires: () => (uploaded ? { trigger: 'web-shell', reason: 'cmd.php was uploaded' } : undefined),
};
const slow = {
  name: 'slow',
  description: 'The invocation is slower than it ever was.',
  moments: () => ['near-deadline'],
  leadMs: (_, remainingMs) => remainingMs - 200,
  fires: () => ({ trigger: 'slow', reason: 'the handler runs for more than 200 ms' }),
};
const denied = {
  name: 'denied',
  description: 'A call was denied that never was before.',
  moments: () => ['failed'],
  fires: ({ error }) =>
    error.name === 'AccessDenied' ? { trigger: 'denied', reason: 'a call of the function was denied' } : undefined,
};
const broken = {
  name: 'broken',
  description: 'Throws at every moment.',
  moments: () => ['settled'],
  fires: () => {
    asked += 1;
    throw new Error('broken');
  },
};

export const handler = withCapture(
  async ({ name, until, fails }) => {
    uploaded = name === 'cmd.php';
    while (until !== undefined && !existsSync(until)) await new Promise((done) => setTimeout(done, 20));
    if (fails !== undefined) throw Object.assign(new Error('not allowed'), { name: fails });
    return { name, asked };
  },
  { triggers: [broken, webShell, denied, ...(process.env.WITH_SLOW === undefined ? [] : [slow])] },
);
