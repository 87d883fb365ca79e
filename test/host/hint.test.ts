/** The function's process and the extension know of each other: a due capture is made once, and the caller does not wait for it. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { canIsolate } from '../sandbox/ground.ts';
import type { Platform } from '../sandbox/platform.ts';
import { jsonOf, storedCaptures } from './extension-captures.ts';
import { openScene } from './extension-scene.ts';

const WRAPPED = { handler: 'wrapped.handler' } as const;
const skip = canIsolate() || process.env['REQUIRE_PEERS'] === '1' ? false : 'not run: needs root, for namespaces, and a checkout outside of /tmp';

const handed = (platform: Platform): readonly Readonly<Record<string, unknown>>[] => platform.logLines('handed');

describe('a due capture is handed to the extension', { skip }, () => {
  test('the first invocation of a sandbox, by AMBER_CAPTURE=now', async (t) => {
    const platform = await openScene(t, { ...WRAPPED, env: { AMBER_CAPTURE: 'now', AMBER_INCLUDE_EVENT: '1' } });
    assert.equal((await platform.invoke({ say: 'first', live: 'by the handler' }, 20_000)).kind, 'response');
    await platform.idle();
    const captures = await storedCaptures(platform.ground.evidence);
    assert.equal(captures.length, 1, platform.log());
    const [one] = captures;
    assert.equal(one?.manifest?.cause.trigger, 'flag');
    const [line] = handed(platform);
    assert.deepEqual([line?.['verdict'], line?.['held']], ['taken', true], platform.log());
    const inside = jsonOf(one, 'live_response/runtime.json') as { process: { pid: number }; modules: unknown };
    assert.equal(inside.process.pid, platform.runtime()?.innerPid);
    const own = jsonOf(one, 'live_response/function-process.json') as { invocation: { event: { say: string } }; environment: { added: { variables: object } } };
    assert.equal(own.invocation.event.say, 'first');
    assert.deepEqual(Object.keys(own.environment.added.variables).filter((name) => name === 'SET_BY_CODE'), ['SET_BY_CODE']);
    const handover = jsonOf(one, 'live_response/handed-over.json') as { cost: { ms: number; cpuMs: number } };
    assert.ok(handover.cost.ms >= 0 && handover.cost.cpuMs >= 0);
  });
});
