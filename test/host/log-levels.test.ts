/**
 * With log format JSON and an application log level, the platform drops the lines below that level. Under both clients,
 * at every level, the digests of a capture arrive, and the summary of one that no destination took.
 */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { decodeLogEvidence } from '../../src/case/log/evidence.ts';
import { readLogDigests } from '../../src/case/log/lines.ts';
import { recordsIn } from '../../src/case/log/scan.ts';
import { bundleLibrary, type Bundle } from '../bench/bundle.ts';
import { ensureClient, ric3, ric4, STARTS_BOTH } from '../sandbox/clients.ts';
import { canIsolate } from '../sandbox/ground.ts';
import { HANDLERS } from '../sandbox/record.ts';
import { startSandbox } from '../sandbox/sandbox.ts';
import { openScene } from './extension/sandbox.ts';

let bundle: Bundle;
before(async () => {
  bundle = await bundleLibrary();
});
after(() => rmSync(bundle.directory, { recursive: true }));

const AMBER = {
  AMBER_CAPTURE: 'now',
  AMBER_DETECT: 'off',
  AMBER_COLLECT: '-inventory,-recovered,-writable,-timeline,-code',
  AMBER_MAX_MS: '15000',
};

const LEVELS = ['TRACE', 'DEBUG', 'INFO', 'WARN', 'ERROR', 'FATAL'];
const levelIn = (level: string): string => (['TRACE', 'DEBUG'].includes(level) ? 'INFO' : level);

async function* bytes(text: string): AsyncGenerator<Uint8Array> {
  yield await Promise.resolve(Buffer.from(text));
}

for (const client of [ric3, ric4]) {
  describe(client.name, { skip: STARTS_BOTH, concurrency: 2 }, () => {
    for (const level of LEVELS) {
      for (const isTaken of [true, false]) {
        test(`${level}, ${isTaken ? 'stored' : 'taken by no destination'}`, async (t) => {
          if (!ensureClient(t, client)) return;
          const folder = mkdtempSync(join(tmpdir(), 'amber-levels-'));
          const destination = isTaken
            ? { AMBER_DESTINATION: `file://${folder}` }
            : {
                AMBER_DESTINATION: 's3://bucket/amber',
                AMBER_S3_ENDPOINT: 'http://127.0.0.1:9',
                AMBER_S3_TRANSPORT: 'light',
              };
          const sandbox = await startSandbox({
            client,
            handler: 'amber.handlers.asynchronous',
            taskRoot: HANDLERS,
            timeoutMs: 20_000,
            env: {
              ...AMBER,
              ...destination,
              SANDBOX_LIBRARY: bundle.entry,
              AWS_LAMBDA_LOG_FORMAT: 'JSON',
              AWS_LAMBDA_LOG_LEVEL: level,
            },
          });
          t.after(async () => {
            await sandbox.stop();
            rmSync(folder, { recursive: true });
          });
          assert.equal(await sandbox.ready(), 'ready', sandbox.stderr());
          assert.equal((await sandbox.invoke({ result: 'text' })).kind, 'response');
          // Where no destination answers, the answer goes before the end of the capture.
          for (let tries = 0; tries < 400 && !sandbox.stdout().includes('{"amber":"capture"'); tries += 1)
            await new Promise((resolve) => setTimeout(resolve, 50));
          const log = sandbox.log();
          const records = recordsIn(log, 'segment', 'capture', 'evidence', 'fault');
          assert.ok(
            records.length > 0 && records.every((record) => record['level'] === levelIn(level)),
            sandbox.stdout(),
          );
          assert.equal(records.filter(({ amber }) => amber === 'capture').length, 1);
          if (isTaken) {
            const id = String(records[0]?.['capture']);
            const told = (await readLogDigests(bytes(log), id)).of(id);
            assert.ok(
              told !== undefined &&
                told.segments.size > 0 &&
                [...told.segments.values()].every(({ stored }) => stored) &&
                told.whole.size === 1,
              log,
            );
          } else
            assert.ok(
              decodeLogEvidence(log.split('\n')).some(({ summary }) => summary !== undefined),
              log,
            );
        });
      }
    }
  });
}

test('what the extension says arrives, too', {
  skip: canIsolate() ? false : 'not run: needs root, for namespaces',
}, async (t) => {
  const platform = await openScene(t, { env: { AWS_LAMBDA_LOG_FORMAT: 'JSON', AWS_LAMBDA_LOG_LEVEL: 'ERROR' } });
  assert.equal((await platform.invoke({ say: 'x' })).kind, 'response');
  await platform.idle();
  await platform.shutdown();
  const [line] = platform.logLines('capture');
  assert.deepEqual([line?.['level'], line?.['state']], ['ERROR', 'whole'], platform.log());
});
