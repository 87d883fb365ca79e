// The function of the golden captures: files in /tmp, one invocation, and the capture that it starts.
import { randomBytes } from 'node:crypto';
import { mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { withCapture } from './src/index.ts';

mkdirSync('/tmp/dropped');
writeFileSync('/tmp/dropped/payload.sh', '#!/bin/sh\necho golden\n', { mode: 0o755 });
writeFileSync('/tmp/dropped/notes.txt', 'evidence of the golden capture\n');
writeFileSync('/tmp/dropped/noise.bin', randomBytes(process.env.GOLDEN_KILL ? 300_000 : 20_000));
if (process.env.AMBER_MAX_BYTES) writeFileSync('/tmp/large.bin', Buffer.alloc(1_000_000, 'large '));

const handler = withCapture(async () => 'served');
const context = {
  awsRequestId: '11111111-2222-4333-8444-555555555555',
  functionName: 'checkout',
  functionVersion: '$LATEST',
  invokedFunctionArn: 'arn:aws:lambda:eu-central-1:111122223333:function:checkout',
  logGroupName: '/aws/lambda/checkout',
  logStreamName: '2026/01/31/[$LATEST]0123',
  memoryLimitInMB: '512',
  getRemainingTimeInMillis: () => 60_000,
};
const kill = process.env.GOLDEN_KILL
  ? setInterval(() => {
      const files = readdirSync('/mnt/out', { recursive: true, withFileTypes: true }).filter((one) => one.isFile());
      const bytes = files.reduce((sum, { parentPath, name }) => sum + statSync(`${parentPath}/${name}`).size, 0);
      if (bytes > 60_000) process.reallyExit(137);
    }, 1)
  : undefined;
await handler({}, context);
const end = Date.now() + 60_000;
while (Date.now() < end && !readdirSync('/mnt/out', { recursive: true }).some((name) => name.endsWith('manifest.json')))
  await new Promise((resolve) => setTimeout(resolve, 50));
await new Promise((resolve) => setTimeout(resolve, 500));
clearInterval(kill);
