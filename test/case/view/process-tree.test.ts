import assert from 'node:assert/strict';
import { test } from 'node:test';
import { socketRows } from '../../../src/case/view/process-tree.ts';

test('sockets are told of in the order of what they may mean', () => {
  const at = (address: string, port: number): object => ({ address, port });
  const row = (state: string, remote: object, owners: readonly object[] = []): object => ({
    protocol: 'tcp',
    state,
    local: at('10.0.0.2', 1),
    remote,
    owners,
  });
  const inet = [
    row('TIME_WAIT', at('127.0.0.1', 1)),
    row('ESTABLISHED', at('127.0.0.1', 2)),
    row('LISTEN', at('0.0.0.0', 3)),
    row('TIME_WAIT', at('203.0.113.7', 4)),
    row('ESTABLISHED', at('::1', 5), [{ pid: 7, comm: 'node', fd: 3 }]),
    row('ESTABLISHED', at('203.0.113.7', 6), [{ pid: 8, comm: '.kworker', fd: 4 }]),
  ];
  assert.deepEqual(
    socketRows({ inet }).map(({ state, remote, owners }) => [state, remote, owners]),
    [
      ['ESTABLISHED', '203.0.113.7:6', '8/.kworker fd 4'],
      ['ESTABLISHED', '[::1]:5', '7/node fd 3'],
      ['TIME_WAIT', '203.0.113.7:4', ''],
      ['LISTEN', '0.0.0.0:3', ''],
      ['ESTABLISHED', '127.0.0.1:2', ''],
      ['TIME_WAIT', '127.0.0.1:1', ''],
    ],
  );
});
