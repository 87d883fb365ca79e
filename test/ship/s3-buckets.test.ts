/**
 * Which buckets are taken, and where requests to them go: as the endpoint rules of the AWS SDK have it, or refused by
 * name.
 */
import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { S3Client } from '@aws-sdk/client-s3';
import { resolveConfig } from '../../src/config/config.ts';
import { originOf } from '../../src/ship/s3-settings.ts';

const REGIONS = [
  'us-east-1',
  'eu-north-1',
  'ap-southeast-7',
  'mx-central-1',
  'us-gov-west-1',
  'cn-northwest-1',
  'us-iso-east-1',
  'us-isob-east-1',
  'eusc-de-east-1',
];
const BUCKETS = [
  'evidence',
  'evidence-2026',
  'a.b.c',
  'ap-0123456789abcdefghijklmnopqrstuvw-s3alias',
  'x--y',
  'my-x-s3',
  'op-s3-logs',
];

suite('the host of a request', () => {
  for (const region of REGIONS) {
    test(`in ${region} is that of the SDK`, async () => {
      const client = new S3Client({ region, credentials: { accessKeyId: 'A', secretAccessKey: 'B' } });
      for (const bucket of BUCKETS) {
        const endpoint = client.config.endpointProvider({
          Bucket: bucket,
          Region: region,
          UseFIPS: false,
          UseDualStack: false,
          ForcePathStyle: bucket.includes('.'),
        });
        const theirs = await Promise.resolve(endpoint);
        const { hostname, basePath } = originOf({
          bucket,
          prefix: '',
          region,
          endpoint: undefined,
          pathStyle: false,
          credentials: undefined,
          kmsKey: undefined,
          bucketOwner: undefined,
        });
        assert.equal(
          `${hostname}${basePath}`,
          `${theirs.url.hostname}${theirs.url.pathname.replace(/\/$/u, '')}`,
          bucket,
        );
      }
      client.destroy();
    });
  }
});

const REFUSED: readonly (readonly [bucket: string, words: RegExp])[] = [
  ['evidence--use1-az4--x-s3', /directory bucket \(S3 Express One Zone\)/u],
  ['evidence--use1-az4--xa-s3', /access point of a directory bucket/u],
  ['evidence-o01234567890123456--op-s3', /S3 on Outposts/u],
  ['lambda-0123456789--ol-s3', /Object Lambda access point/u],
  ['tables--table-s3', /table bucket/u],
  ['mfzwi23gnjvgw.mrap', /Multi-Region Access Point/u],
  ['arn:aws:s3:us-east-1:111122223333:accesspoint/evidence', /ARN of an access point/u],
  ['arn:aws-cn:s3:cn-north-1:111122223333:accesspoint:evidence', /ARN of an access point/u],
  ['arn:aws:s3::111122223333:accesspoint/mfzwi23gnjvgw.mrap', /ARN of a Multi-Region Access Point/u],
  ['arn:aws:s3-outposts:us-west-2:111122223333:outpost/op-1/accesspoint/a', /S3 on Outposts/u],
  ['arn:aws:s3-object-lambda:us-west-2:111122223333:accesspoint/a', /Object Lambda/u],
  ['arn:aws:s3express:us-west-2:111122223333:bucket/a--usw2-az1--x-s3', /directory bucket/u],
  ['arn:aws:s3:::evidence', /an ARN/u],
];

suite('what is no bucket for evidence is refused by name when the configuration is read', () => {
  for (const [bucket, words] of REFUSED) {
    test(bucket, () => {
      for (const settings of [
        { destination: `s3://${bucket}/amber` },
        { destination: 's3://evidence/amber', control: `s3://${bucket}/orders.json` },
      ]) {
        assert.throws(
          () => resolveConfig(settings, {}),
          (thrown: Error) =>
            words.test(thrown.message) &&
            /`(?:destination|control)` is/u.test(thrown.message) &&
            thrown.message.includes('-s3alias'),
        );
      }
    });
  }
  test('the same in the environment, and in the destination of an order', () => {
    assert.throws(
      () => resolveConfig({}, { AMBER_DESTINATION: 's3://evidence--use1-az4--x-s3/amber' }),
      /directory bucket/u,
    );
  });
  test('names that only look alike are taken', () => {
    for (const bucket of BUCKETS)
      assert.equal(
        resolveConfig({ destination: `s3://${bucket}/--x-s3/arn:aws` }, {}).destination,
        `s3://${bucket}/--x-s3/arn:aws`,
      );
  });
});
