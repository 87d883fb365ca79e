import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmodSync, chownSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { freshTree } from '../adversary/hostile/trees.ts';

const NOBODY = 65534;

describe('writable without privileges', () => {
  it('says denied for what may not be read, listed or searched, and goes on', () => {
    const { path: root, remove } = freshTree();
    const isRoot = process.getuid?.() === 0;
    try {
      writeFileSync(join(root, 'mine'), 'mine');
      writeFileSync(join(root, 'mode-000'), 'x');
      for (const name of ['no-list', 'no-search', 'nothing']) {
        mkdirSync(join(root, name));
        writeFileSync(join(root, name, 'inner'), 'x');
      }
      for (const name of ['.', 'mine', 'mode-000', 'no-list', 'no-search', 'nothing'])
        if (isRoot) chownSync(join(root, name), NOBODY, NOBODY);
      writeFileSync(join(root, 'others'), 'readable', { mode: 0o644 });
      chmodSync(join(root, 'mode-000'), 0);
      chmodSync(join(root, 'no-list'), 0o300);
      chmodSync(join(root, 'no-search'), 0o400);
      chmodSync(join(root, 'nothing'), 0);
      const script = fileURLToPath(new URL('print-outcomes.ts', import.meta.url));
      const out = execFileSync(process.execPath, [script, root], {
        encoding: 'utf8',
        ...(isRoot ? { uid: NOBODY, gid: NOBODY } : {}),
      });
      assert.deepEqual(JSON.parse(out), {
        '': 'directory',
        mine: 'file   mine',
        others: 'file   readable',
        'mode-000': 'absent denied permission denied (EACCES)',
        'no-list': 'directory denied it could not be listed (EACCES)',
        'no-search': 'directory',
        'no-search/inner': 'absent denied permission denied (EACCES)',
        nothing: 'directory denied it could not be listed (EACCES)',
      });
    } finally {
      for (const name of ['no-list', 'no-search', 'nothing']) chmodSync(join(root, name), 0o700);
      remove();
    }
  });
});
