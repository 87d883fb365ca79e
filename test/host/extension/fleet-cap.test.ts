/** What the extension counts of a capture that the cap over all sandboxes refuses: nothing. */
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { isAmberError } from '../../../src/errors.ts';
import { startCapture, type CaptureOrder } from '../../../src/host/extension/capture.ts';
import { openState } from '../../../src/host/extension/state.ts';

test('a capture without a slot of the fleet counts for nothing, and the next one is refused for the same reason', async (t) => {
  let asked = 0;
  const bucket = createServer((request, response) => {
    asked += 1;
    request.resume();
    response.writeHead(412).end('<Error><Code>PreconditionFailed</Code></Error>');
  });
  await new Promise<void>((resolve) => bucket.listen(0, '127.0.0.1', resolve));
  t.after(() => bucket.close());
  const log: Record<string, unknown>[] = [];
  const never = (): Promise<never> => Promise.reject(new Error('not in this test'));
  const environment = {
    env: {
      AMBER_DESTINATION: 's3://evidence-bucket/amber',
      AMBER_FLEET_CAP: '1',
      AMBER_S3_ENDPOINT: `http://127.0.0.1:${(bucket.address() as AddressInfo).port}`,
      AMBER_S3_PATH_STYLE: '1',
      AWS_REGION: 'eu-central-1',
      AWS_ACCESS_KEY_ID: 'AKIDEXAMPLE',
      AWS_SECRET_ACCESS_KEY: 'secret',
    },
    log: (amber: string, record: object) => log.push({ amber, ...record }),
    engine: never,
    anomalyMonitor: never,
    control: never,
    exit: () => undefined,
  };
  const state = openState(environment, 'polling');
  assert.ok(state !== undefined);
  const due = (hinted: boolean): CaptureOrder => ({
    cause: { trigger: 'anomaly', reason: 'a finding' },
    config: state.config,
    hardStopMs: Date.now() + 20_000,
    hinted,
  });
  for (const hinted of [false, true]) {
    const started = startCapture(state, due(hinted));
    if (isAmberError(started)) {
      assert.equal(started.details['limit'], 'fleet', 'the answer of a moment ago holds for hints, too');
    } else assert.equal(await started.ended, undefined);
    assert.deepEqual(hinted ? state.captures.hinted : state.captures.own, { captures: 0, endedMs: 0 });
    const next = startCapture(state, due(hinted));
    assert.ok(isAmberError(next));
    assert.equal(next.details['limit'], 'fleet');
    state.limiter.logRefusal(due(hinted).cause, next);
  }
  assert.equal(state.captures.last, undefined);
  assert.ok(asked > 0);
  assert.deepEqual(
    log.map(({ amber, limit }) => [amber, limit]),
    [['refused', 'fleet']],
  );
});
