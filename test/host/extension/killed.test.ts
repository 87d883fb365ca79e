/** The extension gets SIGKILL beside a sandbox that answers. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { canIsolate } from '../../sandbox/ground.ts';
import { openScene } from './sandbox.ts';

describe('an extension that is killed', {
  skip:
    canIsolate() || process.env['REQUIRE_PEERS'] === '1'
      ? false
      : 'not run: needs root, for namespaces, and a checkout outside of /tmp',
}, () => {
  test('at any moment: an answer that was given stays, the platform resets the sandbox, the next invocation is served', async (t) => {
    const platform = await openScene(t, { freeze: false });
    const ends: string[] = [];
    for (const waitMs of [0, 3, 10, 25, 60, 150]) {
      const answer = platform.invoke({ waitMs: 50, say: 'kept' });
      await sleep(waitMs);
      const killed = platform.extension('amber');
      killed?.signal('SIGKILL');
      const result = await answer;
      ends.push(result.kind === 'failed' ? result.errorType : result.kind);
      if ('body' in result) assert.equal(result.body.toString(), '"kept"');
      await killed?.exited; // before the next invocation begins, which it would end otherwise
      await platform.idle();
      assert.equal((await platform.invoke({ say: 1 })).kind, 'response', platform.log());
      await platform.idle();
    }
    // RIE watchEvents: an extension that exits ends the invocation in progress. Nothing in the sandbox can change that.
    assert.ok(
      ends.every((end) => end === 'response' || end === 'Extension.Crash'),
      ends.join(' '),
    );
    assert.ok(ends.includes('Extension.Crash') && ends.includes('response'), ends.join(' '));
  });
});
