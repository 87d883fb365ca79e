import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { code } from '../../src/collect/code.ts';
import type { JsonEntry } from '../../src/contracts/evidence.ts';
import { freshTree } from '../adversary/hostile/trees.ts';
import { bySource, drain, makeContext, type Drained, type ContextFacts } from './context.ts';

interface Packages {
  readonly packages: readonly { ecosystem: string; name?: string; version?: string; path: string; problem?: string }[];
  readonly unread: number;
}

async function take(
  facts: ContextFacts,
): Promise<{ files: Map<string, Drained>; packages: Packages; paths: string[] }> {
  const drained = await drain(code, makeContext(facts));
  const json = drained
    .map(({ entry }) => entry)
    .find((entry): entry is JsonEntry => entry.path === 'live_response/packages.json');
  return {
    files: bySource(drained.filter(({ entry }) => entry.path.startsWith('[root]'))),
    packages: json?.value as Packages,
    paths: drained.map(({ entry }) => entry.path),
  };
}

describe('code', () => {
  let root = '';
  let remove = (): void => undefined;
  const write = (path: string, body: string | Buffer): void => {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), body);
  };
  beforeEach(() => {
    ({ path: root, remove } = freshTree());
    write('task/package.json', '{"name":"function","version":"1.0.0"}');
    write('task/index.mjs', 'export const handler = 1;');
    write('task/node_modules/left/package.json', '{"name":"left","version":"2.0.0"}');
    write('task/node_modules/left/test/package.json', '{"name":"data"}');
    write(
      'task/node_modules/@scope/right/package.json',
      '\ufeff{"name":"@scope/right","version":"3.0.0","__proto__":{"a":1}}',
    );
    write('task/node_modules/broken/package.json', '{"name":');
    write('task/node_modules/odd/package.json', '{"name":["x"],"version":7}');
    write('task/node_modules/huge/package.json', `{"name":"${'x'.repeat(300_000)}"}`);
    write(
      'task/site/requests-2.31.0.dist-info/METADATA',
      'Metadata-Version: 2.1\nName: requests\nVersion: 2.31.0\n\nName: not-this\n',
    );
    symlinkSync('/etc/passwd', join(root, 'task/node_modules/link'));
  });
  afterEach(() => remove());

  it('names the packages with versions, and what is wrong with a manifest', async () => {
    const { packages } = await take({ code: [`${root}/task`] });
    const shown = packages.packages
      .map((one) => `${one.ecosystem} ${one.name ?? '-'} ${one.version ?? '-'}${one.problem === undefined ? '' : ' !'}`)
      .sort();
    assert.deepEqual(shown, [
      'npm - -',
      'npm - - !',
      'npm - - !',
      'npm @scope/right 3.0.0',
      'npm function 1.0.0',
      'npm left 2.0.0',
      'python requests 2.31.0',
    ]);
    assert.equal(packages.unread, 0);
  });

  it('hands every file over for hashing without its bytes, manifests first', async () => {
    const { files, paths } = await take({ code: [`${root}/task`, `${root}/absent`] });
    const index = files.get(`${root}/task/index.mjs`)?.entry;
    assert.ok(index?.kind === 'file' && index.store === false);
    assert.match(index.reason ?? '', /AMBER_CODE_BYTES=none/u);
    const link = files.get(`${root}/task/node_modules/link`)?.entry;
    assert.ok(link?.kind === 'link' && link.target === '/etc/passwd');
    const absent = files.get(`${root}/absent`)?.entry;
    assert.ok(absent?.kind === 'absent' && absent.outcome === 'missing');
    const order = [...files.keys()];
    assert.ok(order.indexOf(`${root}/task/node_modules/left/package.json`) < order.indexOf(`${root}/task/index.mjs`));
    assert.deepEqual(paths.slice(0, 3), [
      'live_response/packages.json',
      'live_response/code-tree.json',
      'bodyfile/bodyfile-code.txt',
    ]);
    const listed = Number(execFileSync('sh', ['-c', `find "$1" | wc -l`, 'sh', `${root}/task`], { encoding: 'utf8' }));
    assert.equal(files.size, listed + 1);
  });

  it('stores bytes by policy', async () => {
    const stored = async (codeBytes: 'none' | 'changed' | 'all', startMs: number): Promise<boolean> => {
      const { files } = await take({
        code: [`${root}/task`],
        options: { codeBytes },
        processes: [{ pid: 1, startMs }],
      });
      const entry = files.get(`${root}/task/index.mjs`)?.entry;
      assert.ok(entry?.kind === 'file');
      return entry.store !== false;
    };
    utimesSync(join(root, 'task/index.mjs'), 1000, 1000); // mtime is the attacker's; ctime is not
    assert.equal(await stored('none', 0), false);
    assert.equal(await stored('all', 0), true);
    assert.equal(await stored('changed', Date.now() - 3_600_000), true);
    assert.equal(await stored('changed', Date.now() + 3_600_000), false);
  });
});
