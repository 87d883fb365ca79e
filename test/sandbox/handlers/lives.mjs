// A wrapped function whose children and files live for some milliseconds.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { rmSync, writeFileSync } from 'node:fs';
import { withCapture } from '../../../src/index.ts';

const sleep = (ms) => new Promise((done) => setTimeout(done, ms));

export const handler = withCapture(async ({ children = 0, files = 0, livesMs = 0 }) => {
  for (let number = 0; number < children; number += 1) {
    await once(spawn('sleep', [`${livesMs / 1000}${String(number).padStart(3, '0')}`], { stdio: 'ignore' }), 'exit');
    await sleep(50);
  }
  for (let number = 0; number < files; number += 1) {
    writeFileSync(`/tmp/${number}.sh`, `#!/bin/sh\necho ${number}\n`);
    await sleep(livesMs);
    rmSync(`/tmp/${number}.sh`);
    await sleep(20);
  }
});
