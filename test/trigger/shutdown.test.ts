/** What the reason of a SHUTDOWN event is taken for: as AWS documents it, and as its emulator writes it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { resolveConfig } from '../../src/config/config.ts';
import { endingOf } from '../../src/trigger/shutdown.ts';

const config = resolveConfig(
  {},
  { AMBER_DESTINATION: 's3://bucket-name', AMBER_ON_CRASH: 'contents', AMBER_ON_SHUTDOWN: 'off' },
);

test('a timeout and a failure are a crash, everything else is the end of the sandbox', () => {
  for (const reason of ['timeout', 'Timeout', 'failure', 'FAILURE', 'ReleaseFail', 'ReserveFail']) {
    const { cause, policy } = endingOf(reason, undefined, config);
    assert.deepEqual([cause.trigger, policy], ['crash', 'contents'], reason);
  }
  for (const reason of ['spindown', 'SandboxTerminated', 'unknown', '']) {
    const { cause, policy } = endingOf(reason, undefined, config);
    assert.deepEqual([cause.trigger, policy], ['shutdown', 'off'], reason);
  }
});

test('what the platform says of the last invocation stands in the reason', () => {
  assert.match(
    endingOf('failure', 'error Runtime.OutOfMemory', config).cause.reason,
    /last invocation: error Runtime\.OutOfMemory$/u,
  );
});
