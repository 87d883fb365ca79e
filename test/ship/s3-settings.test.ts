import assert from 'node:assert/strict';
import { test } from 'node:test';
import { resolveConfig } from '../../src/config/config.ts';
import type { Options } from '../../src/config/config.ts';
import { isAmberError } from '../../src/errors.ts';
import { originOf, readSettings } from '../../src/ship/s3-settings.ts';
import type { S3Settings } from '../../src/ship/s3-settings.ts';
import { identity } from '../contracts/destination.ts';

const read = (url: string, options: Options = {}, region = 'eu-central-1'): S3Settings =>
  readSettings(
    new URL(url),
    { ...identity(), region },
    resolveConfig(options, {}),
    { AWS_REGION: 'us-west-2' },
    undefined,
  );
const address = (url: string, options?: Options, region?: string): string => {
  const { secure, host, basePath } = originOf(read(url, options, region));
  return `${secure ? 'https' : 'http'}://${host}${basePath}`;
};

test('the bucket stands in the host name, or in the path where the name or the configuration asks for it', () => {
  assert.equal(address('s3://evidence/amber'), 'https://evidence.s3.eu-central-1.amazonaws.com');
  assert.equal(address('s3://evidence', {}, 'cn-north-1'), 'https://evidence.s3.cn-north-1.amazonaws.com.cn');
  assert.equal(address('s3://evidence.example.org'), 'https://s3.eu-central-1.amazonaws.com/evidence.example.org');
  assert.equal(address('s3://evidence', { s3PathStyle: true }), 'https://s3.eu-central-1.amazonaws.com/evidence');
  assert.equal(
    address('s3://evidence', { s3Endpoint: 'http://s3.example:9000/base/' }),
    'http://evidence.s3.example:9000/base',
  );
  assert.equal(address('s3://evidence', { s3Endpoint: 'http://127.0.0.1:9000' }), 'http://127.0.0.1:9000/evidence');
  assert.equal(address('s3://evidence', { s3Endpoint: 'http://[::1]:9000' }), 'http://[::1]:9000/evidence');
  assert.equal(originOf(read('s3://evidence', { s3Endpoint: 'http://[::1]:9000' })).hostname, '::1');
});

test('the region is the configured one, that of the function, or that of the environment', () => {
  assert.equal(read('s3://evidence', { s3Region: 'eu-west-1' }).region, 'eu-west-1');
  assert.equal(read('s3://evidence').region, 'eu-central-1');
  assert.equal(read('s3://evidence', {}, 'unknown').region, 'us-west-2');
});

test('the prefix of a URL object is decoded, and has no slash at either end', () => {
  assert.equal(read('s3://evidence').prefix, '');
  assert.equal(read('s3://evidence/').prefix, '');
  assert.equal(read('s3://evidence/a/b%20c/').prefix, 'a/b c');
});

test('what is no bucket or no prefix is refused with an example', () => {
  for (const url of [
    's3://e',
    's3://evi%20dence/x',
    's3://evidence/a%2F..%2Fb/%2E%2E%2Fx',
    's3://evidence/%00',
    's3://evidence/%',
    's3://evidence/a//b',
    's3://evidence/a#b',
    's3://evidence/a?b',
    's3://evidence:80/x',
    `s3://evidence/${'x'.repeat(501)}`,
  ]) {
    assert.throws(
      () => read(url),
      (error) =>
        isAmberError(error) && error.code === 'CONFIG_INVALID' && error.message.includes('s3://evidence-bucket/amber'),
      url,
    );
  }
});
