/**
 * Container images: a registry whose manifests, blobs and digests are made here, beside what may go wrong with them.
 */
import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test, type TestContext } from 'node:test';
import { fault, json, onOperation, type Rule } from '../servers/aws-proxy.ts';
import { collect, scene, value, type Collected } from './scene.ts';

const sha = (bytes: Buffer | string): string => `sha256:${createHash('sha256').update(bytes).digest('hex')}`;

interface Registry {
  readonly uri: string;
  readonly manifest: string;
  readonly index: string;
  readonly blobs: ReadonlyMap<string, Buffer>;
  readonly rules: readonly Rule[];
}

async function registry(
  t: TestContext,
  spoil: { readonly manifest?: boolean; readonly layer?: boolean; readonly denied?: boolean } = {},
): Promise<Registry> {
  const config = Buffer.from(JSON.stringify({ architecture: 'arm64', config: { Cmd: ['index.handler'] } }));
  const blobs = new Map([config, randomBytes(300_000), randomBytes(70_000)].map((body) => [sha(body), body]));
  const [first, ...layers] = [...blobs].map(([digest, { length }]) => ({
    digest,
    size: length,
    mediaType: 'application/vnd.oci.image.layer.v1.tar+gzip',
  }));
  const manifest = JSON.stringify({ schemaVersion: 2, config: first, layers });
  const index = JSON.stringify({
    schemaVersion: 2,
    manifests: [
      { digest: `sha256:${'0'.repeat(64)}`, platform: { architecture: 'amd64', os: 'linux' } },
      { digest: sha(manifest), platform: { architecture: 'arm64', os: 'linux' } },
    ],
  });
  const server = createServer((request, response) => {
    const body = blobs.get(request.url?.slice(1) ?? '') ?? Buffer.alloc(0);
    response
      .writeHead(200, { 'content-length': body.length })
      .end(spoil.layer === true ? Buffer.alloc(body.length) : body);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => server.close());
  const base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const uri = `123456789012.dkr.ecr.eu-central-1.amazonaws.com/team/checkout@${sha(index)}`;
  const configuration = {
    FunctionName: 'checkout',
    FunctionArn: 'arn:aws:lambda:eu-central-1:123456789012:function:checkout',
    Version: '$LATEST',
    PackageType: 'Image',
    Architectures: ['arm64'],
  };
  const rules = [
    onOperation('GetFunctionConfiguration', json(configuration)),
    onOperation('ListVersionsByFunction', json({ Versions: [configuration] })),
    onOperation('ListAliases', json({ Aliases: [] })),
    onOperation(
      'GetFunction',
      json({ Configuration: configuration, Code: { RepositoryType: 'ECR', ImageUri: uri, ResolvedImageUri: uri } }),
    ),
    onOperation('BatchGetImage', ({ body }) => {
      if (spoil.denied === true)
        return fault(
          400,
          'AccessDeniedException',
          'User: x is not authorized to perform: ecr:BatchGetImage on resource: y',
        );
      const { imageIds } = JSON.parse(body.toString('utf8')) as { imageIds: { imageDigest: string }[] };
      const text = imageIds[0]?.imageDigest === sha(index) ? index : manifest;
      return json({
        images: [{ imageManifest: spoil.manifest === true ? text.replace('2', '3') : text }],
        failures: [],
      });
    }),
    onOperation('GetDownloadUrlForLayer', ({ body }) => {
      const { layerDigest } = JSON.parse(body.toString('utf8')) as { layerDigest: string };
      return json({ downloadUrl: `${base}/${layerDigest}`, layerDigest });
    }),
  ];
  return { uri, manifest, index, blobs, rules };
}

async function collected(t: TestContext, made: Registry): Promise<Collected | undefined> {
  const set = await scene(t, ...made.rules);
  return set === undefined ? undefined : collect(set.proxy.endpoint, { sources: ['versions', 'images'] });
}

test('manifest, configuration and layers of an image are taken by digest, for the processor of the function', async (t) => {
  const made = await registry(t);
  const ran = await collected(t, made);
  if (ran === undefined) return;
  const folder = `control_plane/images/${sha(made.index).replace(':', '-')}`;
  assert.equal(
    ran.files.get(`${folder}/manifest.json`)?.toString('utf8'),
    made.index,
    'byte by byte, so that its digest holds',
  );
  assert.equal(
    ran.files.get(`${folder}/${sha(made.manifest).replace(':', '-')}.json`)?.toString('utf8'),
    made.manifest,
  );
  for (const [digest, body] of made.blobs) {
    const path = `control_plane/images/blobs/${digest.replace(':', '-')}`;
    assert.deepEqual(ran.files.get(`${path}.blob`), body);
    assert.equal((value(ran.files, `${path}.json`) as { matches: boolean }).matches, true);
  }
  assert.equal(ran.report.unfinished, false);
});

test('a layer whose bytes have another digest is a problem, and is kept', async (t) => {
  const ran = await collected(t, await registry(t, { layer: true }));
  if (ran === undefined) return;
  assert.equal(
    ran.report.problems.filter((problem) => problem.includes('.blob')).length,
    3,
    ran.report.problems.join('; '),
  );
});

test('a manifest with another digest is no image', async (t) => {
  const ran = await collected(t, await registry(t, { manifest: true }));
  if (ran === undefined) return;
  const item = ran.items.find((one) => one.path.endsWith('/manifest.json'));
  assert.equal(item?.outcome, 'failed');
  assert.match(item.reason ?? '', /the manifest that the registry gave is sha256:/u);
});

test('a registry that may not be read is a line with its action', async (t) => {
  const made = await registry(t, { denied: true });
  const ran = await collected(t, made);
  if (ran === undefined) return;
  assert.deepEqual(ran.report.deniedActions, ['ecr:BatchGetImage']);
  assert.ok(ran.items.find((one) => one.outcome === 'denied')?.reason?.includes(made.uri));
});
