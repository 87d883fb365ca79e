/**
 * A function whose bundle leaves the AWS SDK out, or brings one that is none: the capture goes by the light transport,
 * with one line.
 */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { build } from 'esbuild';
import { fauxqs, type Fauxqs } from '../servers/fauxqs.ts';
import { faultProxy, type FaultProxy } from '../servers/fault-proxy.ts';

let server: Fauxqs;
let proxy: FaultProxy;
let folder: string;

before(async () => {
  server = await fauxqs();
  server.createBucket('evidence');
  proxy = await faultProxy(server.endpoint);
  folder = mkdtempSync(join(tmpdir(), 'amber-no-sdk-'));
});
after(async () => {
  rmSync(folder, { recursive: true, force: true });
  await proxy.close();
  await server.stop();
});

const ENTRY = `
  import { withCapture } from ${JSON.stringify(fileURLToPath(new URL('../../src/index.ts', import.meta.url)))};
  const handler = withCapture(async () => 'answered', { capture: 'now', collect: '-code,-procfs,-systeminformation', maxMs: 8000 });
  handler({}, { getRemainingTimeInMillis: () => 20_000, awsRequestId: 'r' }).then((value) => console.log(value));`;

/** What may lie in node_modules in place of the SDK. */
const PACKAGES: Readonly<Record<string, string | undefined>> = {
  nothing: undefined,
  'a module that is empty': 'export {};',
  'one that throws': 'throw new Error("built for another system");',
  'one that cannot be parsed': 'export const = 1;',
};

suite('a bundle without the SDK', { timeout: 120_000 }, () => {
  for (const format of ['esm', 'cjs'] as const) {
    for (const [name, source] of Object.entries(PACKAGES)) {
      test(`${format}, ${name}`, async () => {
        const at = mkdtempSync(join(folder, 'task-'));
        const file = join(at, format === 'esm' ? 'index.mjs' : 'index.cjs');
        const banner =
          format === 'esm'
            ? { js: 'import { createRequire } from "node:module"; const require = createRequire(import.meta.url);' }
            : {};
        await build({
          stdin: { contents: ENTRY, resolveDir: fileURLToPath(new URL('../..', import.meta.url)), loader: 'js' },
          bundle: true,
          platform: 'node',
          format,
          outfile: file,
          external: ['@aws-sdk/*'],
          banner,
          logLevel: 'silent',
        });
        if (source !== undefined) {
          const place = join(at, 'node_modules', '@aws-sdk', 'client-s3');
          mkdirSync(place, { recursive: true });
          writeFileSync(
            join(place, 'package.json'),
            '{"name":"@aws-sdk/client-s3","type":"module","exports":"./index.js"}',
          );
          writeFileSync(join(place, 'index.js'), source);
        }
        proxy.script();
        const env = {
          PATH: process.env['PATH'],
          HOME: '/nonexistent',
          AWS_ACCESS_KEY_ID: 'A',
          AWS_SECRET_ACCESS_KEY: 'B',
          AWS_REGION: 'us-east-1',
          AWS_LAMBDA_FUNCTION_NAME: 'bundled',
          AWS_LAMBDA_FUNCTION_MEMORY_SIZE: '1769',
          AMBER_DESTINATION: 's3://evidence/amber',
          AMBER_S3_ENDPOINT: proxy.endpoint,
          AMBER_S3_PATH_STYLE: '1',
        };
        const { stdout } = await promisify(execFile)(process.execPath, [file], {
          timeout: 40_000,
          env,
          maxBuffer: 16 * 1024 * 1024,
        });
        const faults = stdout.split('\n').filter((line) => line.includes('"amber":"fault"'));
        assert.equal(faults.length, 1, stdout.slice(0, 2000));
        assert.match(faults[0] ?? '', /@aws-sdk\/client-s3 cannot be loaded.*light transport/u);
        assert.match(stdout, /"amber":"capture".*"state":"whole"/u);
        assert.match(stdout, /^answered$/mu);
        assert.match(proxy.seen[0]?.headers['user-agent'] ?? '', /^lambda-amber$/u);
      });
    }
  }
});
