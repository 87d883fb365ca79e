import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { CollectReport } from '../../src/acquire/collect.ts';
import { times } from '../effort.ts';
import { awsProxy } from '../servers/aws-proxy.ts';
import { moto, MOTO_ENV, stopMoto } from '../servers/moto.ts';
import { replayTrail, trailOf } from '../servers/replay-trail.ts';
import { freshFolder, tarEntries } from './scene.ts';

const run = promisify(execFile);
const ONCE = fileURLToPath(new URL('collect-once.ts', import.meta.url));
/** Node and the SDK take 130 MiB or so, two entries of 4 MiB as rows, text and redacted text the rest. */
const MAX_MEMORY = 512 * 1024 * 1024;
const EVENTS = times(80_000);

after(stopMoto);

interface Once {
  readonly report: CollectReport;
  readonly peakBytes: number;
}

async function once(...args: readonly string[]): Promise<Once> {
  const { stdout } = await run(process.execPath, [ONCE, ...args], {
    env: { ...process.env, ...MOTO_ENV },
    timeout: 400_000,
    maxBuffer: 16 * 1024 * 1024,
  });
  return JSON.parse(stdout) as Once;
}

/** Counts distinct values of a field over all rows below a path, without keeping the rows. */
async function distinct(
  location: string,
  below: string,
  field: RegExp,
): Promise<{ rows: number; distinct: number; largest: number }> {
  const found = new Set<string>();
  let rows = 0;
  let largest = 0;
  for await (const { path, body } of tarEntries(location)) {
    if (!path.startsWith(below) || !/-\d{4}\.jsonl$/u.test(path)) continue;
    largest = Math.max(largest, body.length);
    for (const line of body.toString('utf8').split('\n')) {
      const value = field.exec(line)?.[1];
      if (value === undefined) continue;
      rows += 1;
      found.add(value);
    }
  }
  return { rows, distinct: found.size, largest };
}

test(`${EVENTS} log events in 150 streams: nothing lost, memory bounded`, async (t) => {
  const server = await moto(t);
  if (server === undefined) return;
  const packages = freshFolder();
  const made = await server.fill(packages, '--streams', '150', '--events', String(EVENTS));
  const proxy = await awsProxy(server.endpoint, packages);
  try {
    const { report, peakBytes } = await once(proxy.endpoint, freshFolder(), 'logs');
    const {
      rows,
      distinct: messages,
      largest,
    } = await distinct(report.location, 'logs/', /"message":"(?:event (\d+-\d+)|connecting)/u);
    t.diagnostic(
      `${rows} events, ${report.figures.requests} requests, ${report.elapsedMs} ms, ${report.cpuMs} ms CPU, peak ${Math.round(peakBytes / 1024 / 1024)} MiB`,
    );
    assert.equal(report.state, 'whole');
    assert.equal(rows, made.events - 1, 'one event says something else');
    assert.equal(messages, made.events - 1);
    assert.ok(largest <= 4.5 * 1024 * 1024, `an entry has ${largest} bytes`);
    assert.ok(peakBytes < MAX_MEMORY, `${peakBytes} bytes`);
  } finally {
    await proxy.close();
  }
});

test('50,000 CloudTrail events in a thousand pages: every one once, memory bounded', async (t) => {
  const server = await moto(t);
  if (server === undefined) return;
  const packages = freshFolder();
  await server.fill(packages);
  const newestMs = Math.floor(Date.now() / 1000) * 1000 - 60_000;
  const events = trailOf({ count: 50_000, newestMs, accessKeyId: 'ASIAQNZEXAMPLE000001' });
  const proxy = await awsProxy(server.endpoint, packages);
  proxy.rules.push(replayTrail(events));
  try {
    const { report, peakBytes } = await once(
      proxy.endpoint,
      freshFolder(),
      'cloudtrail',
      'ASIAQNZEXAMPLE000001',
      String(newestMs - 80_000_000),
    );
    const { rows, distinct: ids, largest } = await distinct(report.location, 'cloudtrail/', /"EventId":"([^"]+)"/u);
    const pages = proxy.seen.filter((operation) => operation === 'LookupEvents').length;
    t.diagnostic(
      `${rows} events, ${pages} pages, ${report.elapsedMs} ms, ${report.cpuMs} ms CPU, peak ${Math.round(peakBytes / 1024 / 1024)} MiB`,
    );
    assert.equal(report.state, 'whole');
    assert.equal(ids, events.length);
    assert.equal(rows, events.length, 'what two queries find is written once');
    assert.ok(pages > 1000);
    assert.ok(largest <= 6 * 1024 * 1024, `an entry has ${largest} bytes`);
    assert.ok(peakBytes < MAX_MEMORY, `${peakBytes} bytes`);
  } finally {
    await proxy.close();
  }
});
