/** A baseline out of a first look that came late, as in a wrapped function. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { RecordedEvent } from '../../src/contracts/recorded.ts';
import { baselineAt } from '../../src/detect/judge.ts';
import { fileOf, INIT_MS, nowOf, processOf, socketOf } from './scene.ts';

describe('a baseline', () => {
  test('that was taken late has what was there at init', () => {
    const late = nowOf({
      processes: [processOf({ pid: 40, startTicks: 90 }), processOf({ pid: 41, startTicks: 5000 })],
      files: [fileOf({ path: '/tmp/old', ctimeMs: INIT_MS - 5 }), fileOf({ path: '/tmp/new' })],
    });
    const baseline = baselineAt(late, 110, INIT_MS);
    assert.deepEqual(
      baseline.processes.map(({ pid }) => pid),
      [1, 5, 9, 40],
    );
    assert.deepEqual(
      baseline.files.map(({ path }) => path),
      ['/tmp/old'],
    );
  });

  test('that was taken late has the sockets of init, as far as the black box tells', () => {
    const common = { sequence: 1, timeMs: INIT_MS, pid: 9, count: 1 };
    const event = (kind: 'connect' | 'listen', invocation: number, subject: string): RecordedEvent => ({
      ...common,
      ...{ kind, invocation, subject },
    });
    const late = nowOf({
      processes: [processOf({ pid: 41, startTicks: 5000 })],
      sockets: [
        socketOf({ inode: 'init', pids: [9], remoteAddress: '203.0.113.1', remotePort: 5432 }),
        socketOf({ inode: 'later', pids: [9], remoteAddress: '203.0.113.2', remotePort: 443 }),
        socketOf({ inode: 'later6', pids: [9], remoteAddress: '2001:db8::1', remotePort: 443 }),
        socketOf({ inode: 'bound', pids: [9], state: 'LISTEN', localAddress: '0.0.0.0', localPort: 4444 }),
        socketOf({ inode: 'childs', pids: [41], remoteAddress: '203.0.113.1', remotePort: 5432 }),
      ],
      recorded: {
        events: [
          event('connect', 0, '203.0.113.1:5432'),
          event('connect', 1, '203.0.113.2:443'),
          event('connect', 2, '[2001:db8::1]:443'),
          event('listen', 1, '0.0.0.0:4444'),
        ],
        left: 0,
      },
    });
    assert.deepEqual(
      baselineAt(late, 110, INIT_MS).sockets.map(({ inode }) => inode),
      ['init'],
    );
  });
});
