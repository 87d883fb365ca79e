/** Hints to the extension by a process of the attacker, which has the same uid. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { resolveConfig } from '../../../src/config/config.ts';
import { policyPrint } from '../../../src/host/handoff/connection.ts';
import { jsonOf } from '../extension/captures.ts';
import { bodyOf, captures, invoke, type Line, skip, wrapped } from './handed.ts';

describe('hints of whoever has the uid', { skip }, () => {
  const env = { AMBER_ON_ERROR: 'NoErrorOfThisName', AMBER_COOLDOWN_MS: '0', AMBER_MAX_CAPTURES: '1' };
  const policy = policyPrint(
    resolveConfig({}, { ...env, AMBER_DESTINATION: 'file:///mnt/evidence', AMBER_DETECT: 'off' }),
  );
  const hint = (trigger: string, more: object = {}): object => ({
    trigger,
    reason: 'forged \u001b[31m',
    policy,
    ...more,
  });

  test('start what the policy permits, in numbers of their own, and a finding of ours is captured all the same', async (t) => {
    const platform = await wrapped(t, { ...env, AMBER_DETECT: 'off' });
    await invoke(platform, {});
    const facts = {
      entries: [
        { kind: 'json', path: '../../etc/passwd', source: 'x', method: 'api', value: 1 },
        { kind: 'json', path: 'live_response/processes.json', source: 'x', method: 'api', value: 'forged' },
        { kind: 'json', path: 'live_response/runtime.json', source: 'x\u001b', method: 'api', value: 'forged' },
        { kind: 'file', path: 'live_response/runtime.json', fd: 3 },
        null,
        7,
      ],
    };
    const forged = [
      { say: [hint('flag')] },
      { say: [hint('call')] },
      { say: [hint('shutdown')] },
      { say: [hint('anomaly')] },
      { say: [hint('control', { order: 'no-such-order' })] },
      { say: [hint('event', { token: 'AAAA' })] },
      { say: [{ ...hint('error'), policy: 'another' }] },
      { say: [hint('error'), facts], ms: 15_000 },
      { say: [hint('error'), facts] },
    ];
    const result = await invoke(platform, { forge: forged });
    const verdicts = (JSON.parse(bodyOf(result)) as Line[][]).map(([, line]) => line?.['verdict']);
    assert.deepEqual(
      verdicts,
      ['refused', 'refused', 'refused', 'refused', 'refused', 'refused', 'refused', 'taken', 'refused'],
      platform.log(),
    );
    const [one, ...more] = await captures(platform);
    assert.ok(one !== undefined && more.length === 0);
    assert.match(one.manifest?.cause.reason ?? '', /^forged \?\[31m \(as the function's process says\)$/u);
    assert.notEqual(jsonOf(one, 'live_response/processes.json'), 'forged');
    assert.equal(jsonOf(one, 'live_response/runtime.json'), 'forged');
    assert.deepEqual(
      [...one.entries.keys()].filter((path) => path.includes('..')),
      [],
    );
    // The one capture of the cap is still there for our own triggers.
    await platform.shutdown();
    assert.deepEqual(
      (await captures(platform)).map(({ manifest }) => manifest?.cause.trigger),
      ['error', 'shutdown'],
    );
  });

  test('cannot keep it from its work: floods, garbage, silence', async (t) => {
    const platform = await wrapped(t, env);
    await invoke(platform, {});
    const result = await invoke(platform, {
      forge: [
        { raw: { text: 'x'.repeat(1024), times: 1024 } },
        { raw: { text: '\n', times: 1000 } },
        { raw: { text: '{"a":', times: 5000 } },
        { raw: { text: `${'['.repeat(60_000)}\n`, times: 1 } },
        { say: [null, 1, [], {}] },
        ...Array.from({ length: 20 }, () => ({ say: [hint('call')], ms: 200 })),
        { ms: 1500 },
      ],
    });
    assert.equal(result.kind, 'response', platform.log());
    assert.equal((await invoke(platform, { say: 'still there' })).kind, 'response');
    const record = await platform.shutdown();
    assert.equal(record?.extensions[0]?.killed, false);
    assert.deepEqual(
      (await captures(platform)).map(({ manifest }) => manifest?.cause.trigger),
      ['shutdown'],
    );
  });
});
