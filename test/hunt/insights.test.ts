import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openFunction } from '../../src/acquire/function.ts';
import { HUNTS } from '../../src/hunt/index.ts';
import { huntInsights, type HuntResult } from '../../src/hunt/insights.ts';
import { fault, json, onOperation } from '../servers/aws-proxy.ts';
import { scene } from '../acquire/scene.ts';

const WANTED = ['shell-errors', 'memory-jump', 'miner-output', 'probing'];

async function ask(endpoint: string, since: number): Promise<HuntResult[]> {
  const stop = new AbortController();
  const { aws, target, close } = await openFunction(
    'checkout',
    { clients: { region: 'eu-central-1', endpoint, paced: false }, window: { sinceMs: since, untilMs: Date.now() } },
    stop.signal,
  );
  try {
    const results: HuntResult[] = [];
    const hunts = HUNTS.filter(({ id }) => WANTED.includes(id));
    for await (const one of huntInsights({
      logs: await aws.logs(),
      logGroups: target.logGroups,
      sinceMs: since,
      untilMs: Date.now(),
      hunts,
      context: 2,
      signal: stop.signal,
      pollMs: 5,
    }))
      results.push(one);
    return results;
  } finally {
    close();
  }
}

test('a hunt goes through Logs Insights and comes back with its hits, their context, or why it could not be asked', async (t) => {
  const queries = new Map<string, string>();
  let polls = 0;
  const stream = `2025/06/30/[$LATEST]${'0'.repeat(32)}`;
  const message = 'event 0-5 RequestId: 00000000-0000-0000-0000-000000000005 handled';
  const set = await scene(
    t,
    onOperation('StartQuery', ({ body }) => {
      const { queryString, logGroupNames } = JSON.parse(body.toString('utf8')) as {
        queryString: string;
        logGroupNames: string[];
      };
      assert.deepEqual(logGroupNames, ['/shop/checkout-logs'], 'the configured group');
      if (queryString.includes('xmrig'))
        return fault(
          400,
          'AccessDeniedException',
          'User: x is not authorized to perform: logs:StartQuery on resource: y',
        );
      const id = `query-${queries.size}`;
      queries.set(id, queryString);
      return json({ queryId: id });
    }),
    onOperation('GetQueryResults', ({ body }) => {
      const { queryId } = JSON.parse(body.toString('utf8')) as { queryId: string };
      polls += 1;
      if (polls <= 2) return json({ status: 'Running', results: [], statistics: { recordsScanned: 10 } });
      const shell = queries.get(queryId)?.includes('sh: ') === true;
      const rows = shell
        ? [
            [
              {
                field: '@timestamp',
                value: new Date(Date.now() - 60_000).toISOString().replace('T', ' ').replace('Z', ''),
              },
              { field: '@logStream', value: stream },
              { field: '@message', value: message },
              { field: '@ptr', value: 'x' },
            ],
          ]
        : [
            [
              { field: '@logStream', value: stream },
              { field: 'frac', value: '0.97' },
              { field: 'n', value: '12' },
            ],
          ];
      return json({ status: 'Complete', results: rows, statistics: { recordsScanned: 60 } });
    }),
  );
  if (set === undefined) return;
  const results = await ask(set.proxy.endpoint, Date.now() - 86_400_000);
  assert.deepEqual(
    results.map(({ hunt }) => hunt),
    ['memory-jump', 'shell-errors', 'miner-output'],
  );
  const [memory, shell, miner] = results;
  assert.equal(memory?.findings[0]?.detail, `@logStream=${stream} frac=0.97 n=12`);
  assert.equal(memory.findings[0].message, null);
  assert.equal(shell?.findings[0]?.message, message);
  assert.equal(shell.findings[0].source, 'insights');
  assert.equal(shell.scanned, 60);
  assert.ok(shell.findings[0].before.length + shell.findings[0].after.length > 0, 'lines around it');
  assert.match(miner?.problem ?? '', /^logs:StartQuery is denied/u);
});

test('a query that fails is told of and stopped', async (t) => {
  const set = await scene(
    t,
    onOperation('StartQuery', json({ queryId: 'q' })),
    onOperation('GetQueryResults', json({ status: 'Failed' })),
    onOperation('StopQuery', json({ success: false })),
  );
  if (set === undefined) return;
  const results = await ask(set.proxy.endpoint, Date.now() - 3_600_000);
  assert.ok(results.every(({ problem }) => problem?.includes('ended as Failed') === true));
  assert.ok(set.proxy.seen.includes('StopQuery'));
});
