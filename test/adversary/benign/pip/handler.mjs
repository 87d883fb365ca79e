import { spawnSync } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';

export const handler = async () => {
  // As pip does: it runs scripts of a temporary folder, and removes them.
  mkdirSync('/tmp/pip-build-env-1', { recursive: true });
  writeFileSync('/tmp/pip-build-env-1/_in_process.py', 'print(7)\n');
  const { status } = spawnSync('python3', ['/tmp/pip-build-env-1/_in_process.py', 'build_wheel', '/tmp/small']);
  // And a tool that is unpacked, used, and removed with its folder.
  mkdirSync('/tmp/tool-1', { recursive: true });
  writeFileSync('/tmp/tool-1/convert', '#!/bin/sh\nexit 0\n', { mode: 0o755 });
  const tool = spawnSync('/tmp/tool-1/convert', ['-resize', '10x10']);
  for (const folder of ['/tmp/pip-build-env-1', '/tmp/tool-1']) rmSync(folder, { recursive: true });
  return [status, tool.status];
};
