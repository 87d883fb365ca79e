import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { LoggingConfig } from '@aws-sdk/client-lambda';
import type { InspectedFunction } from '../../src/doctor/contracts.ts';
import { logging } from '../../src/doctor/log-checks.ts';

const checked = async (given: LoggingConfig | undefined): Promise<readonly string[]> => {
  const {
    state,
    detail,
    fix = '',
  } = await logging.check({ configuration: { LoggingConfig: given } } as InspectedFunction);
  return [state, detail, fix];
};

test('doctor says what the log level of the function keeps of the lines', async () => {
  for (const given of [
    undefined,
    {},
    { LogFormat: 'Text' },
    { LogFormat: 'JSON' },
    { LogFormat: 'JSON', ApplicationLogLevel: 'TRACE' },
    { LogFormat: 'JSON', ApplicationLogLevel: 'INFO', SystemLogLevel: 'INFO' },
  ] as const) {
    assert.equal((await checked(given))[0], 'ok', JSON.stringify(given));
  }
  for (const level of ['WARN', 'ERROR', 'FATAL'] as const) {
    const [state, detail, fix] = await checked({ LogFormat: 'JSON', ApplicationLogLevel: level });
    assert.equal(state, 'warning');
    assert.match(`${detail ?? ''} ${fix ?? ''}`, new RegExp(`go out as ${level}.*alarms that count ${level}`, 'u'));
  }
  assert.match(
    (await checked({ LogFormat: 'JSON', ApplicationLogLevel: 'INFO', SystemLogLevel: 'WARN' }))[1] ?? '',
    /reports of each invocation/u,
  );
});
