import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { memory } from '../../src/collect/memory.ts';
import { plant, SANDBOX } from '../fixtures/proc/sandbox.ts';
import { contextOf, valueOf } from './volatile.ts';

interface Memory {
  readonly meminfo: Record<string, number>;
  readonly cgroup: Record<string, string>;
  readonly own?: {
    usage: { rss: number };
    heap: { heap_size_limit: number };
    spaces: { space_name: string }[];
    resources: { maxRSS: number };
  };
  readonly processes: {
    pid: number;
    status?: Record<string, number>;
    rollup?: Record<string, number>;
    regions?: { range: string; path: string }[];
    failure?: string;
    summary?: {
      regions: number;
      bytes: Record<string, number>;
      code: string[];
      data: string[];
      unusual: { range: string; why: string }[];
    };
  }[];
}

describe('memory', () => {
  it('summarises mappings and names the unusual ones', async () => {
    const { processes, meminfo, own } = await valueOf<Memory>(memory, contextOf(plant(SANDBOX), { inProcess: false }));
    const node = processes.find(({ pid }) => pid === 9);
    assert.deepEqual(meminfo, { MemTotal: 131072 * 1024, MemFree: 65536 * 1024 });
    assert.equal(own, undefined);
    assert.deepEqual(node?.summary, {
      regions: 7,
      bytes: { file: 0x1d01000, anonymous: 0x2000, heap: 0, stack: 0x21000, shared: 0 },
      code: ['/var/lang/bin/node', '/tmp/inject.so (deleted)'],
      data: [],
      unusual: [
        { range: '7f0000000000-7f0000001000', perms: 'rwxp', path: '', why: 'writable and executable' },
        {
          range: '7f0000002000-7f0000003000',
          perms: 'r-xp',
          path: '/tmp/inject.so (deleted)',
          why: 'executable from a deleted file',
        },
      ],
    });
    assert.deepEqual(node.status, { VmRSS: 1752 * 1024 });
    assert.deepEqual(node.rollup, { Rss: 1752 * 1024, Pss: 200 * 1024 });
    assert.equal(node.regions?.length, 7);
  });

  it('adds the heap of the process it runs in', async () => {
    const { own, processes, cgroup } = await valueOf<Memory>(
      memory,
      contextOf('/proc', {}, { limits: { fullDetail: 4096 } }),
    );
    assert.ok((own?.usage.rss ?? 0) > 1024 * 1024);
    assert.ok((own?.heap.heap_size_limit ?? 0) > 0);
    assert.ok(own?.spaces.some(({ space_name: name }) => name === 'old_space'));
    assert.ok((own?.resources.maxRSS ?? 0) > 0);
    const self = processes.find(({ pid }) => pid === process.pid);
    assert.ok((self?.rollup?.['Rss'] ?? 0) > 1024 * 1024);
    assert.ok(self?.summary?.code.some((path) => path.includes('node')));
    assert.ok(Object.keys(cgroup).every((path) => /\/memory\.[a-z_.]+$/u.test(path)));
    assert.equal(Object.keys(cgroup).length > 0, /:memory:|^0::/mu.test(readFileSync('/proc/self/cgroup', 'utf8')));
  });

  it('leaves the list of regions to the raw files where there are many processes', async () => {
    const { processes } = await valueOf<Memory>(memory, contextOf(plant(SANDBOX), {}, { limits: { fullDetail: 1 } }));
    assert.deepEqual(
      processes.map(({ pid, regions, summary }) => [pid, regions !== undefined, summary !== undefined]),
      [
        [1, false, true],
        [9, true, true],
        [17, false, true],
        [23, false, true],
      ],
    );
  });
});
