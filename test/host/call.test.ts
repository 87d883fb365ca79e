import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isAmberError } from '../../src/errors.ts';
import { captureOn, type CaptureOptions } from '../../src/host/call.ts';
import { DESTINATION, lambdaContext, testGround } from './ground.ts';

test('captures with what the caller says, in time before the deadline of the context', async () => {
  const ground = testGround(DESTINATION);
  const report = await captureOn(ground, {
    reason: 'upload of a web shell', requester: 'scanner', context: lambdaContext(3000), event: { a: 1 }, includeEvent: true, maxMs: '9000',
  });
  assert.equal(report.state, 'whole');
  const [request] = ground.requests;
  assert.deepEqual(request?.cause, { trigger: 'call', reason: 'upload of a web shell', requester: 'scanner' });
  assert.equal(request.config.maxMs, 9000);
  assert.equal(request.invocation?.requestId, 'request-1');
  assert.deepEqual(request.invocation.event, { a: 1 });
  assert.ok(request.hardStopMs - Date.now() <= 2500);
});

test('without a context and outside an invocation there are no facts of one', async () => {
  const ground = testGround(DESTINATION);
  await captureOn(ground, {});
  assert.equal(ground.requests[0]?.invocation, undefined);
});

test('limits refuse with a report: a running capture, cap, cooldown, too little time', async () => {
  const ground = testGround({ ...DESTINATION, AMBER_MAX_CAPTURES: '2' }, 20);
  const [first, second] = await Promise.all([captureOn(ground, {}), captureOn(ground, {})]);
  assert.equal(first.state, 'whole');
  assert.deepEqual([second.state, second.error?.code], ['refused', 'CAPTURE_BUSY']);
  const limit = async (options: CaptureOptions): Promise<unknown> => {
    const { state, error } = await captureOn(ground, options);
    assert.equal(state, 'refused');
    return error?.details['limit'];
  };
  assert.equal(await limit({}), 'cooldown');
  assert.equal(await limit({ cooldownMs: 0, context: lambdaContext(500) }), 'budget');
  assert.equal((await captureOn(ground, { cooldownMs: 0 })).state, 'whole');
  assert.equal(await limit({ cooldownMs: 0 }), 'cap');
  assert.equal(ground.requests.length, 2);
});

test('the kill switch and a bad environment refuse; bad options throw', async () => {
  const off = await captureOn(testGround({ AMBER_DISABLED: '1', AMBER_MAX_MS: 'x' }), {});
  assert.deepEqual([off.state, off.error?.details['limit']], ['refused', 'switch']);
  const ground = testGround({ AMBER_MAX_MS: 'x' });
  assert.equal((await captureOn(ground, {})).error?.code, 'CONFIG_INVALID');
  await captureOn(ground, {});
  assert.equal(ground.lines.length, 1);
  const bad = captureOn(testGround({}), { maxMs: 'soon' });
  await assert.rejects(bad, (error) => isAmberError(error) && error.code === 'CONFIG_INVALID');
});

test('an engine that fails gives a report all the same', async () => {
  const ground = testGround(DESTINATION, 0, async () => Promise.reject(new Error('x')));
  const report = await captureOn(ground, {});
  assert.deepEqual([report.state, report.error?.code], ['failed', 'CAPTURE_ABORTED']);
  assert.equal(ground.lines[0]?.['amber'], 'fault');
});
