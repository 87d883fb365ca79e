/**
 * What can be had of a function that is gone, or that may not be read; and of log groups that FilterLogEvents does not
 * read.
 */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { CloudWatchLogs } from '@aws-sdk/client-cloudwatch-logs';
import { QUERY_ROWS } from '../../src/acquire/infrequent-logs.ts';
import { EXIT } from '../../src/cli/amber.ts';
import { openLocal } from '../../src/case/store/open.ts';
import { verifyCapture } from '../../src/case/verify/verify.ts';
import { amber } from '../cli/function-orders.ts';
import { fault, json, onOperation, type Rule } from '../servers/aws-proxy.ts';
import { replayTrail, trailOf } from '../servers/replay-trail.ts';
import { collect, freshFolder, lines, readTarball, scene, series, type Scene } from './scene.ts';

const GROUP = '/aws/lambda/gone';
const at = (endpoint: string): string[] => ['--endpoint', endpoint, '--region', 'eu-central-1', '--json'];

/** The log that a deleted function has left behind: Lambda deletes no log group with its function. */
async function leftLog({ motoEndpoint }: Scene, group: string, messages: readonly string[]): Promise<void> {
  const logs = new CloudWatchLogs({ endpoint: motoEndpoint, region: 'eu-central-1' });
  await logs.createLogGroup({ logGroupName: group }).catch(() => undefined);
  const logStreamName = '2025/06/30/[$LATEST]00000000000000000000000000000001';
  await logs.createLogStream({ logGroupName: group, logStreamName }).catch(() => undefined);
  await logs.putLogEvents({
    logGroupName: group,
    logStreamName,
    logEvents: messages.map((message, number) => ({ message, timestamp: Date.now() - 60_000 + number })),
  });
  logs.destroy();
}

describe('a function that was deleted', () => {
  test('collect takes its logs, CloudTrail and GuardDuty, says what is missing, and the result verifies', async (t) => {
    const events = trailOf({ count: 7, newestMs: Date.now() - 120_000, accessKeyId: 'ASIAQNZEXAMPLE000001' });
    const set = await scene(t, replayTrail(events));
    if (set === undefined) return;
    await leftLog(set, GROUP, ['sh: 1: curl: not found', 'hello']);
    const out = freshFolder();
    const ran = await amber('collect', 'gone', '--out', out, '--since', '24h', ...at(set.proxy.endpoint));
    assert.equal(ran.code, EXIT.problem, ran.err);
    const report = ran.json as {
      location: string;
      functionArn: string;
      problems: string[];
      outcomes: Record<string, number>;
    };
    assert.equal(report.functionArn, 'arn:aws:lambda:eu-central-1:123456789012:function:gone');
    assert.match(report.problems.join('\n'), /gone is gone, or may not be read/u);
    const files = await readTarball(report.location);
    const rows = series<{ message: string }>(
      files,
      'logs/aws/lambda/gone/2025/06/30/[$LATEST]00000000000000000000000000000001',
    );
    assert.deepEqual(
      rows.map(({ message }) => message),
      ['sh: 1: curl: not found', 'hello'],
    );
    assert.ok([...files.keys()].some((path) => path.startsWith('cloudtrail/') && path.includes('ResourceName=gone')));
    assert.ok(files.has('guardduty/findings.jsonl'));
    const items = [...files]
      .filter(([path]) => path.startsWith('manifest/'))
      .flatMap(([, body]) => lines<{ path: string; outcome: string }>(body).slice(1));
    for (const path of [
      'control_plane/function',
      'control_plane/layers',
      'control_plane/roles',
      'control_plane/policies.json',
      'control_plane/concurrency.json',
    ]) {
      assert.equal(items.find((item) => item.path === path)?.outcome, 'missing', path);
    }
    assert.equal((await verifyCapture(await openLocal(report.location))).verdict, 'verified');
  });

  test('hunt goes on in the log that is left', async (t) => {
    const groups: string[] = [];
    const set = await scene(
      t,
      onOperation('StartQuery', ({ body }) => {
        groups.push(...(JSON.parse(body.toString('utf8')) as { logGroupNames: string[] }).logGroupNames);
        return json({ queryId: 'q' });
      }),
      onOperation('GetQueryResults', json({ status: 'Complete', results: [], statistics: { recordsScanned: 3 } })),
    );
    if (set === undefined) return;
    await leftLog(set, GROUP, ['hello']);
    const ran = await amber(
      'hunt',
      'gone',
      '--hunts',
      'shell-errors',
      '--log-group',
      '/shop/old',
      ...at(set.proxy.endpoint),
    );
    assert.equal(ran.code, EXIT.problem, ran.err);
    assert.deepEqual(groups, [GROUP, '/shop/old']);
    assert.match(JSON.stringify(ran.json['problems']), /gone is gone/u);
  });

  test('a name of which nothing is left is an error, and nothing is written', async (t) => {
    const set = await scene(t);
    if (set === undefined) return;
    const ran = await amber('collect', 'chekcout', '--out', freshFolder(), ...at(set.proxy.endpoint));
    assert.equal(ran.code, EXIT.unreachable, ran.err);
    assert.match(ran.err + ran.out, /no log group \/aws\/lambda\/chekcout/u);
  });

  test('the name of a group is checked before anything is asked', async () => {
    const ran = await amber('collect', 'checkout', '--out', freshFolder(), '--log-group', 'a b');
    assert.equal(ran.code, EXIT.usage);
    assert.match(ran.err, /--log-group/u);
  });
});

test('a function that may not be read is collected without it, and with it once that is allowed, by the same command', async (t) => {
  let allowed = false;
  const denied: Rule = (asked) =>
    !allowed && /^(?:GetFunction|List|GetPolicy)/u.test(asked.operation) && asked.url.pathname.includes('/functions/')
      ? fault(
          403,
          'AccessDeniedException',
          `User: arn:aws:iam::123456789012:user/x is not authorized to perform: lambda:${asked.operation} on resource: y`,
        )
      : undefined;
  const set = await scene(t, denied);
  if (set === undefined) return;
  const out = freshFolder();
  const run = (): ReturnType<typeof amber> =>
    amber(
      'collect',
      'checkout',
      '--out',
      out,
      '--since',
      '24h',
      '--sources',
      'versions,layers,policies,logs',
      '--log-group',
      '/shop/checkout-logs',
      ...at(set.proxy.endpoint),
    );
  const first = await run();
  assert.equal(first.code, EXIT.problem, first.err);
  assert.ok(
    (first.json['deniedActions'] as string[]).includes('lambda:GetFunctionConfiguration'),
    JSON.stringify(first.json['deniedActions']),
  );
  const asked = set.proxy.seen.filter((operation) => operation === 'FilterLogEvents').length;
  assert.ok(asked > 0, 'the log that was named is there already');
  allowed = true;
  const second = await run();
  assert.equal(second.json['unfinished'], false, JSON.stringify(second.json['deniedActions']) + second.err);
  const files = await readTarball(second.json['location'] as string);
  for (const version of Object.keys(set.made.versions))
    assert.ok(files.has(`control_plane/function/${version}/code.zip`), version);
  assert.equal(
    set.proxy.seen.filter((operation) => operation === 'FilterLogEvents').length,
    asked,
    'no event is asked for twice',
  );
});

describe('a log group of infrequent access', () => {
  /**
   * Answers queries over `count` events as Logs Insights does: whole seconds, both ends included, 10,000 rows at most.
   */
  function insights(
    count: number,
    startMs: number,
    stepMs: number,
  ): { readonly rules: Rule[]; readonly windows: number[][] } {
    const windows: number[][] = [];
    const text = (ms: number): string => new Date(ms).toISOString().replace('T', ' ').replace('Z', '');
    const rules = [
      onOperation(
        'DescribeLogGroups',
        json({ logGroups: [{ logGroupName: '/shop/checkout-logs', logGroupClass: 'INFREQUENT_ACCESS' }] }),
      ),
      onOperation(
        'FilterLogEvents',
        fault(400, 'InvalidOperationException', 'The log group is of class INFREQUENT_ACCESS'),
      ),
      onOperation('StartQuery', ({ body }) => {
        const { startTime, endTime } = JSON.parse(body.toString('utf8')) as { startTime: number; endTime: number };
        windows.push([startTime, endTime]);
        return json({ queryId: `q${windows.length - 1}` });
      }),
      onOperation('GetQueryResults', ({ body }) => {
        const [from = 0, to = 0] =
          windows[Number((JSON.parse(body.toString('utf8')) as { queryId: string }).queryId.slice(1))] ?? [];
        const rows = [];
        for (let number = 0; number < count && rows.length < QUERY_ROWS; number += 1) {
          const ms = startMs + number * stepMs;
          if (ms < from * 1000 || ms > to * 1000) continue;
          rows.push([
            { field: '@timestamp', value: text(ms) },
            { field: '@ingestionTime', value: text(ms + 5) },
            { field: '@logStream', value: `stream-${number % 3}` },
            { field: '@message', value: `event ${number}` },
            { field: '@ptr', value: `p${number}` },
          ]);
        }
        return json({ status: 'Complete', results: rows, statistics: { recordsScanned: count } });
      }),
    ];
    return { rules, windows };
  }

  test('every event comes once, where one query cannot give all of them', async (t) => {
    const count = 23_457;
    const { rules, windows } = insights(count, Date.now() - 3_500_123, 137);
    const set = await scene(t, ...rules);
    if (set === undefined) return;
    const { report, files } = await collect(set.proxy.endpoint, {
      sources: ['logs'],
      window: { sinceMs: Date.now() - 3_600_000 },
    });
    assert.equal(report.unfinished, false, report.problems.join('; '));
    const found = [0, 1, 2]
      .flatMap((stream) => series<{ message: string }>(files, `logs/shop/checkout-logs/stream-${stream}`))
      .map(({ message }) => Number(message.slice(6)));
    assert.equal(found.length, count);
    assert.equal(new Set(found).size, count);
    assert.ok(windows.length > 2 && windows.length < 40, `${windows.length} queries`);
  });

  test('a second with more events than a query gives is told of, not passed over', async (t) => {
    const { rules } = insights(12_000, Date.now() - 60_000, 0);
    const set = await scene(t, ...rules);
    if (set === undefined) return;
    const { report, files } = await collect(set.proxy.endpoint, {
      sources: ['logs'],
      window: { sinceMs: Date.now() - 3_600_000 },
    });
    assert.match(report.problems.join('\n'), /more than 10000 events/u);
    assert.ok(files.has('logs/shop/checkout-logs/insights.json'));
  });
});
