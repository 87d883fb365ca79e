import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { environment, parseEnvironment } from '../../src/collect/environment.ts';
import { plant, SANDBOX } from '../fixtures/proc/sandbox.ts';
import { start } from '../proc/actors.ts';
import { contextOf, valueOf } from './volatile.ts';

interface Environments {
  readonly processes: {
    pid: number;
    variables?: Record<string, string>;
    repeated?: unknown[];
    others?: string[];
    outcome?: string;
    reason?: string;
  }[];
  readonly live?: Record<'added' | 'changed' | 'removed', { variables: Record<string, string> }>;
}

describe('environment', () => {
  it('loses nothing of a hostile one', async () => {
    const { processes } = await valueOf<Environments>(environment, contextOf(plant(SANDBOX), { inProcess: false }));
    const implant = processes.find(({ pid }) => pid === 17);
    assert.deepEqual(Object.entries(implant?.variables ?? {}), [
      ['A', '1'],
      ['\udce9', '\udcff'],
      ['__proto__', 'polluted'],
      ['EMPTY', ''],
    ]);
    assert.deepEqual(implant?.repeated, [{ variables: { A: '2' } }]);
    assert.deepEqual(implant.others, ['=odd', 'noequals']);
    assert.equal(Object.getPrototypeOf({}), Object.prototype);
    assert.equal(({} as Record<string, unknown>)['polluted'], undefined);
  });

  it('counts the padding that a changed process title leaves', () => {
    assert.deepEqual(
      { ...parseEnvironment(Buffer.from('A=1\0\0\0\0B=2\0')), variables: undefined },
      { variables: undefined, empty: 3 },
    );
    assert.deepEqual(Object.keys(parseEnvironment(Buffer.alloc(0)).variables), []);
  });

  it('has that of a child, and that of every other process or the reason', async (t) => {
    const child = start(t, '/bin/sleep', ['600'], { env: { CANARY: 'a=b\nc', UMLAUT: 'grüße' } });
    const { processes } = await valueOf<Environments>(environment, contextOf('/proc', { inProcess: false }));
    assert.deepEqual(processes.find(({ pid }) => pid === child.pid)?.variables, { CANARY: 'a=b\nc', UMLAUT: 'grüße' });
    assert.ok(
      processes.every(
        ({ variables, outcome, reason }) => variables !== undefined || (outcome !== undefined && reason !== undefined),
      ),
    );
  });

  it('tells what the function changed in its own', async () => {
    const atStart = { ...process.env };
    const kept = Object.keys(atStart).find((name) => name !== 'PATH');
    const env = { ...atStart, PATH: undefined, AMBER_TEST_ADDED: 'new', [kept ?? '']: 'changed' };
    const { live } = await valueOf<Environments>(environment, contextOf('/proc', { env, inProcess: true }));
    assert.equal(live?.added.variables['AMBER_TEST_ADDED'], 'new');
    assert.equal(live.changed.variables[kept ?? ''], 'changed');
    assert.deepEqual(live.removed.variables['PATH'], process.env['PATH']);
  });

  it('does not compare in the extension, whose environment is not that of the function', async () => {
    assert.equal((await valueOf<Environments>(environment, contextOf('/proc', { inProcess: false }))).live, undefined);
  });
});
