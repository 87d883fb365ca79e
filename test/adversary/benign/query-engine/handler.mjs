// As query engines of ORMs do. The engine here is Node.js itself under another name.
import { spawn } from 'node:child_process';
import { chmodSync, copyFileSync, existsSync, mkdirSync } from 'node:fs';

const ENGINE = '/tmp/orm/query-engine-linux';
let engine;

async function ask() {
  for (let turn = 0; turn < 100; turn += 1) {
    try {
      return await (await fetch('http://127.0.0.1:47011/')).text();
    } catch {
      await new Promise((done) => setTimeout(done, 50));
    }
  }
  throw new Error('the engine does not answer');
}

export const handler = async () => {
  if (!existsSync(ENGINE)) {
    mkdirSync('/tmp/orm');
    copyFileSync(process.execPath, ENGINE);
    chmodSync(ENGINE, 0o755);
  }
  engine ??= spawn(ENGINE, ['/var/task/engine.mjs'], { stdio: ['ignore', 'pipe', 'pipe'] });
  return ask();
};
