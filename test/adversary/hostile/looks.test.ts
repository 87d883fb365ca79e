/** Nothing that runs while no capture is due asks a mount that somebody serves: not even statfs, stat or open. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import type { Looked } from './look-child.ts';
import { canServe, runBeside } from './served.ts';

const LIMIT = { timeout: 120_000 };
describe('a mount that somebody serves', () => {
  it('is not touched by probe, looks, scripts and the files of /etc', LIMIT, async (t) => {
    if (!canServe(t)) return;
    const { folder, last, asked } = await runBeside(t, { mode: 'here' }, 'look-child.ts');
    const looked = last as Looked;
    const served = join(folder, 'tree/served');
    assert.deepEqual(asked, []);
    for (const path of [served, join(folder, 'link')])
      assert.ok(
        looked.left.some((line) => line.startsWith(`${path}: not looked at: somebody serves`)),
        `${path}: ${looked.left.join('\n')}`,
      );
    assert.ok(looked.files.includes(join(folder, 'tree/plain')), 'what lies beside it is seen');
    assert.deepEqual(
      looked.files.filter((path) => path.startsWith(`${served}/`)),
      [],
    );
    assert.deepEqual(
      [looked.stats[served], looked.stats[`${served}/opt`], looked.stats[join(folder, 'link/opt')]],
      ['served', 'served', 'served'],
    );
    assert.deepEqual(looked.nameservers, []);
    const etc = looked.entries.filter(([path]) => path.startsWith('[root]/etc/'));
    assert.ok(etc.length > 5);
    assert.deepEqual(
      etc.filter(([, outcome]) => outcome !== 'skipped'),
      [],
    );
    assert.deepEqual(looked.origins, ['writable', 'writable', 'no-file', 'no-file']);
  });
});
