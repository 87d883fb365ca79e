/** Captures of a wrapped handler while the destination is out, is not reached, or is somebody else. */
import assert from 'node:assert/strict';
import { createServer as createTls } from 'node:https';
import { createServer, type AddressInfo, type Server } from 'node:net';
import { after, before, suite, test } from 'node:test';
import { decodeLogEvidence } from '../../src/case/log/evidence.ts';
import { readLogDigests } from '../../src/case/log/lines.ts';
import { verifyCapture } from '../../src/case/verify/verify.ts';
import { inMemory, openBucket, useKeys, type Bucket } from '../adversary/faults/bucket.ts';
import { captureUnder, type Captured, type CaptureOf } from '../adversary/faults/capture.ts';
import { chunks } from '../adversary/faults/judge-capture.ts';
import { openCapture } from '../../src/case/store/open.ts';
import { linesOf, type SegmentLine } from '../adversary/faults/judge.ts';
import { tapLog, type LogTap } from '../adversary/faults/log-tap.ts';
import { plantScene, type PlantedScene } from '../adversary/faults/scene.ts';
import { requirePeer } from '../peers.ts';
import { certificate } from '../servers/certificate.ts';
import { ANSWERS, faultProxy, NO_RECEIPTS, type Fault, type FaultProxy } from '../servers/fault-proxy.ts';
import { TRANSPORTS, type Transport } from '../ship/s3-opened.ts';

let bucket: Bucket;
let proxy: FaultProxy;
let scene: PlantedScene;
let tap: LogTap;
let run = 0;

before(async () => {
  useKeys();
  bucket = await openBucket('outage');
  proxy = await faultProxy(bucket.endpoint);
  scene = plantScene();
  tap = tapLog();
  // Once with either transport: no figure below holds the time that loading takes.
  for (const transport of TRANSPORTS) await capture(transport, { maxMs: 20_000 });
});
after(async () => {
  tap.close();
  scene.remove();
  await proxy.close();
  await bucket.close();
});

interface Given {
  readonly maxMs: number;
  readonly script?: readonly Fault[];
  readonly outageMs?: number;
  readonly at?: string;
}

async function capture(
  transport: Transport,
  { maxMs, script = [], outageMs, at }: Given,
): Promise<Captured & { readonly prefix: string }> {
  const prefix = `outage-${++run}`;
  const one: CaptureOf = {
    plan: { fault: 'outage', script, codes: [], ...(outageMs === undefined ? {} : { outageMs }) },
    scene,
    tap,
    bucket: bucket.name,
    prefix,
    keys: bucket.keys,
    transport,
    maxMs,
    proxy: { ...proxy, endpoint: at ?? proxy.endpoint },
    recipient: undefined,
    handler: 'value',
  };
  return { ...(await captureUnder(one)), prefix };
}

const summaries = (log: string): number => decodeLogEvidence(log.split('\n')).length;

async function listening(server: Server): Promise<number> {
  server.listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  return (server.address() as AddressInfo).port;
}

for (const transport of TRANSPORTS) {
  suite(`a capture by ${transport}`, { timeout: 180_000 }, () => {
    for (const [name, fault] of [
      ['503 SlowDown', ANSWERS.slowDown],
      ['500', ANSWERS.internal],
      ['resets', 'reset-in-body'],
      ['a portal', NO_RECEIPTS['a web page']],
    ] as const) {
      test(`an outage of 1.5 s (${name}) loses nothing in a budget of 30 s, and the commit says so`, async () => {
        const { report, log, prefix, handlerProblem } = await capture(transport, {
          maxMs: 30_000,
          outageMs: 1500,
          script: [fault],
        });
        assert.equal(handlerProblem, undefined);
        assert.equal(report?.state, 'whole', report?.error?.message);
        assert.ok(report.elapsedMs > 1400 && report.elapsedMs < 15_000, String(report.elapsedMs));
        assert.ok(linesOf<SegmentLine>(log, 'segment').every(({ state }) => state !== 'lost'));
        const stored = await openCapture(inMemory('memory:/', await bucket.read(`${prefix}/`)));
        const { verdict, summary } = await verifyCapture(stored, {
          identity: undefined,
          log: (captureId) => readLogDigests(chunks(log), captureId),
        });
        assert.equal(verdict, 'verified', summary);
      });
    }

    test('where the first segment alone is lost, the summary is in the log', async () => {
      // Whoever is first in the script is the first segment: it is refused for good, and the others are taken.
      const { report, log } = await capture(transport, {
        maxMs: 20_000,
        script: [{ status: 400, code: 'InvalidRequest' }],
      });
      const lost = linesOf<SegmentLine>(log, 'segment').filter(({ state }) => state === 'lost');
      assert.deepEqual([report?.state, lost.map(({ segment }) => segment), summaries(log)], ['cut', [0], 1]);
    });

    test('a refused connection holds the answer for half a second, the summary is in the log before it, and shipping goes on', async () => {
      const free = createServer();
      const port = await listening(free);
      await new Promise((resolve) => free.close(resolve));
      const calm = await capture(transport, { maxMs: 3000 });
      const { report, log, tookMs, endedMs, loggedMs } = await capture(transport, {
        maxMs: 3000,
        at: `http://127.0.0.1:${port}`,
      });
      assert.equal(report?.state, 'failed');
      assert.equal(report.error?.code, 'DESTINATION_UNAVAILABLE', report.error?.message);
      assert.equal(summaries(log), 1);
      assert.ok(
        loggedMs !== undefined && loggedMs <= tookMs,
        `the summary came after ${loggedMs} ms, the answer after ${tookMs}`,
      );
      assert.ok(tookMs < calm.tookMs + 900, `the answer came after ${tookMs} ms`);
      assert.ok(endedMs > 2000, `it was given up after ${endedMs} ms`);
    });

    test('a host that appears a second after the answer gets the whole capture', async () => {
      const late = createServer();
      const port = await listening(late);
      await new Promise((resolve) => late.close(resolve));
      const target = new URL(bucket.endpoint);
      const relay = createServer((socket) => {
        void import('node:net').then(({ connect }) => {
          const upstream = connect(Number(target.port), target.hostname);
          socket
            .on('error', () => upstream.destroy())
            .pipe(upstream.on('error', () => socket.destroy()))
            .pipe(socket);
        });
      });
      setTimeout(() => relay.listen(port, '127.0.0.1'), 1300);
      const { report, tookMs, log } = await capture(transport, { maxMs: 20_000, at: `http://127.0.0.1:${port}` });
      relay.close();
      assert.equal(report?.state, 'whole', report?.error?.message);
      assert.ok(tookMs < 1300 && summaries(log) === 1, `${tookMs} ms, ${summaries(log)} summaries`);
    });

    test('a wrong certificate and a name that does not exist end it at once, for all segments', async (t) => {
      if (!requirePeer(t, 'openssl')) return;
      const server = createTls(certificate('DNS:elsewhere.example'));
      const port = await listening(server);
      for (const [at, code] of [
        [`https://127.0.0.1:${port}`, 'DESTINATION_UNTRUSTED'],
        ['http://no-such-host.invalid', 'DESTINATION_MISSING'],
      ] as const) {
        const { report, log, endedMs } = await capture(transport, { maxMs: 20_000, at });
        assert.deepEqual(
          [report?.state, report?.error?.code, summaries(log)],
          ['failed', code, 1],
          report?.error?.message,
        );
        assert.ok(endedMs < 8000, String(endedMs));
      }
      server.close();
    });
  });
}
