/** A name of another version in the environment: one line, and the function stays armed. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { captureOn } from '../../../src/host/wrapper/call.ts';
import { lambdaContext, NOW, testEnvironment, wrap, type Handler } from '../environment.ts';

const handler: Handler = async () => Promise.resolve('answered');

test('a variable that this version does not know is one line for all hosts of the sandbox, and a capture starts', async () => {
  const environment = testEnvironment({ ...NOW, AMBER_BLACK_BOX: '1', AMBER_COLLECT: '+future' });
  assert.equal(await wrap(environment, handler)({}, lambdaContext()), 'answered');
  assert.equal(await wrap<Handler>(environment, async () => Promise.resolve('again'))({}, lambdaContext()), 'again');
  await captureOn(environment, { reason: 'once more' });
  assert.ok(environment.requests.length > 0);
  const said = environment.lines.filter(({ amber }) => amber === 'config');
  assert.equal(said.length, 1, JSON.stringify(said));
  assert.equal(said[0]?.['armed'], true);
  assert.match(String(said[0]['warning']), /AMBER_BLACK_BOX is unknown.*AMBER_COLLECT names collectors .*\+future/u);
});

test('a typing error in the name of a variable that protects disarms, and the line names what was meant', async () => {
  const environment = testEnvironment({ ...NOW, AMBER_RECIPENT: 'age1x' });
  assert.equal(await wrap(environment, handler)({}, lambdaContext()), 'answered');
  assert.deepEqual(environment.requests, []);
  const [said] = environment.lines;
  assert.deepEqual([said?.['amber'], said?.['armed'], said?.['code']], ['config', false, 'CONFIG_INVALID']);
  assert.match(String(said?.['error']), /AMBER_RECIPENT is unknown; did you mean AMBER_RECIPIENT\?/u);
});
