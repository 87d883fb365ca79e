import assert from 'node:assert/strict';
import { test } from 'node:test';
import { json, onOperation } from '../servers/aws-proxy.ts';
import { collect, scene } from './scene.ts';

const VERSIONS = 50;
const ROUND_TRIP_MS = 80;
/** "Lambda quotas": 15 requests a second for the control plane, GetFunction 100. */
const CONTROL_PLANE =
  /^(?:Get(?:Policy|RuntimeManagementConfig|Function(?:Configuration|Concurrency|RecursionConfig|CodeSigningConfig))|List)/u;

test('fifty versions take what the quota of the API makes them take, not more', async (t) => {
  const set = await scene(t);
  if (set === undefined) return;
  const { made, proxy } = set;
  const CodeSha256 = made.versions['5'] ?? '';
  const Location = `${proxy.endpoint}/_code/${Buffer.from(CodeSha256, 'base64').toString('hex')}?X-Amz-Signature=0`;
  const of = (Version: string): object => ({
    FunctionName: 'checkout',
    FunctionArn: made.functionArn,
    Version,
    Role: 'arn:aws:iam::123456789012:role/checkout-role',
    CodeSha256,
    ConfigSha256: 'x',
    RevisionId: 'r',
    PackageType: 'Zip',
  });
  proxy.delayMs = ROUND_TRIP_MS;
  proxy.rules.push(
    onOperation(
      'ListVersionsByFunction',
      json({ Versions: Array.from({ length: VERSIONS }, (_, index) => of(String(index + 1))) }),
    ),
    onOperation('GetFunctionConfiguration', json(of('$LATEST'))),
    onOperation('GetFunction', ({ url }) =>
      json({
        Configuration: of(url.searchParams.get('Qualifier') ?? '$LATEST'),
        Code: { RepositoryType: 'S3', Location },
      }),
    ),
  );
  const { report, files } = await collect(proxy.endpoint, {
    clients: { region: 'eu-central-1', endpoint: proxy.endpoint },
    sources: ['versions', 'aliases', 'policies', 'runtime-management', 'concurrency', 'tags'],
  });
  assert.equal(report.state, 'whole');
  assert.equal([...files.keys()].filter((path) => path.endsWith('/code.zip')).length, VERSIONS + 1);
  const asked = proxy.seen.filter((operation) => CONTROL_PLANE.test(operation)).length;
  const boundMs = (asked / 15) * 1000;
  t.diagnostic(
    `${VERSIONS} versions, ${report.figures.requests} requests of which ${asked} share 15 a second: ${report.elapsedMs} ms, the quota alone takes ${Math.round(boundMs)} ms; ${proxy.widest()} at a time`,
  );
  assert.ok(report.elapsedMs < boundMs * 1.35 + 1500, `${report.elapsedMs} ms`);
  assert.ok(report.elapsedMs > boundMs * 0.8, 'the quota is kept');
});
