/** Places as users type them: kept as they are, or refused; the same for the function, the command and the doctor. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import fc from 'fast-check';
import { parseBucketUrl, parseDestination, parseFileUrl } from '../../src/config/destination.ts';
import { openPlace } from '../../src/case/store/locate.ts';
import { resolveConfig } from '../../src/config/config.ts';
import { isAmberError } from '../../src/errors.ts';
import { destinationUrl, readSettings } from '../../src/ship/s3-settings.ts';
import { identity } from '../contracts/destination.ts';
import { times } from '../effort.ts';

/** Prefix under which the function writes; undefined where its configuration is refused. */
function written(destination: string): string | undefined {
  try {
    const config = resolveConfig({}, { AMBER_DESTINATION: destination });
    return readSettings(destinationUrl(destination), identity(), config, {}, undefined).prefix;
  } catch (error) {
    assert.ok(isAmberError(error) && error.code === 'CONFIG_INVALID', String(error));
    return undefined;
  }
}

/** Prefix that a command reads; undefined where it refuses. */
async function readFrom(location: string): Promise<string | undefined> {
  try {
    const place = await openPlace(location, { config: resolveConfig({ s3Region: 'us-east-1' }, {}) });
    place.close();
    return /^s3:\/\/[^/]+\/(.*?)\/?$/su.exec(place.store.location)?.[1];
  } catch (error) {
    assert.ok(isAmberError(error) && error.code === 'USAGE', String(error));
    return undefined;
  }
}

describe('a place in S3', () => {
  test('is the same for the function and for the command', async () => {
    for (const prefix of [
      'team#1/x',
      'a?b',
      'a%25b',
      '%',
      '%2e%2e',
      'a b',
      'ä/😀',
      'a+b&c=d',
      'amber',
      'a\\b',
      "it's(1)!*",
      '...',
      'a.b/..c',
      'x'.repeat(500),
    ]) {
      assert.equal(written(`s3://bucket/${prefix}`), prefix);
      assert.equal(written(`s3://bucket/${prefix}/`), prefix);
      assert.equal(await readFrom(`s3://bucket/${prefix}`), prefix);
    }
    for (const prefix of [
      '../x',
      'a/../b',
      'a/./b',
      '..',
      'a//b',
      '/a',
      'a//',
      ' a',
      'a ',
      'a\nb',
      'a\n',
      '\ud800',
      'a\u0000',
    ]) {
      assert.equal(written(`s3://bucket/${prefix}`), undefined, JSON.stringify(prefix));
      assert.equal(await readFrom(`s3://bucket/${prefix}`), undefined, JSON.stringify(prefix));
    }
  });

  test('has a bucket that can be one', () => {
    for (const text of [
      's3://',
      's3:///x',
      's3://a',
      's3://ab',
      's3://b cket/x',
      's3://user@bucket/x',
      's3://bucket:80/x',
      's3:/bucket/x',
      's3:bucket',
      's3://-bucket/x',
      's3://bucket?x',
    ])
      assert.equal(parseBucketUrl(text).ok, false, text);
    assert.deepEqual(parseBucketUrl('S3://Bucket.with.dots'), {
      ok: true,
      value: { bucket: 'Bucket.with.dots', prefix: '' },
    });
  });

  test('comes back from the URL of its destination, whatever it is', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 60 }), (prefix) => {
        const judged = parseDestination(`s3://bucket/${prefix}`);
        if (!judged.ok) return;
        assert.equal(
          readSettings(judged.value, identity(), resolveConfig({}, {}), {}, undefined).prefix,
          prefix.replace(/\/$/u, ''),
        );
      }),
      { numRuns: times(100) },
    );
  });
});

describe('a folder', () => {
  test('is an absolute path, percent-encoded, and nothing of it is dropped', () => {
    for (const path of ['/mnt/evidence', '/a b/c#1', '/a?b', '/100%', '/ä/😀', '/a\\b', '/x/...'])
      assert.deepEqual(parseFileUrl(pathToFileURL(path).href), { ok: true, value: path });
    assert.deepEqual(parseFileUrl('file:/mnt/x'), { ok: true, value: '/mnt/x' });
    for (const text of [
      'file://rel',
      'file://rel/x',
      'file:rel',
      'file:',
      'file:///a/../b',
      'file:///a/%2e%2e/b',
      'file:///a#b',
      'file:///a?b',
      'file:///a%2Fb',
      'file:///a\\b',
      'file:///%',
      'file:///a\nb',
      'file:///a ',
      'file:///%00',
    ]) {
      assert.equal(parseFileUrl(text).ok, false, text);
      assert.throws(
        () => resolveConfig({}, { AMBER_DESTINATION: text }),
        /AMBER_DESTINATION is .*expected file:\/\/\/DIR/u,
      );
    }
  });
});

describe('a scheme that nobody takes', () => {
  test('is refused where the configuration is read', () => {
    for (const text of [
      'https://x/y',
      'http://x',
      'ftp://host/dir',
      'rel',
      './rel',
      '/abs',
      'bucket/prefix',
      's4://x/y',
      '',
    ]) {
      if (text === '') continue;
      assert.throws(
        () => resolveConfig({}, { AMBER_DESTINATION: text }),
        /AMBER_DESTINATION is .*expected a URL/u,
        text,
      );
    }
    const provider = {
      name: 'web',
      protocol: 'https:',
      description: 'x',
      open: () => Promise.reject(new Error('unused')),
    };
    assert.equal(
      resolveConfig({ destination: 'https://x/y', destinations: [provider] }, {}).destination,
      'https://x/y',
    );
  });

  test('nor does an endpoint take another one', () => {
    for (const s3Endpoint of [
      'ftp://x',
      'file:///x',
      's3.example.org',
      'https://x/?a',
      'https://x/#a',
      'https://user:word@x',
    ])
      assert.throws(() => resolveConfig({ s3Endpoint }, {}), /s3Endpoint/u, s3Endpoint);
    assert.equal(
      resolveConfig({ s3Endpoint: 'http://127.0.0.1:9000/base' }, {}).s3Endpoint,
      'http://127.0.0.1:9000/base',
    );
  });

  test('a control object is read under the key that was typed', () => {
    const base = { destination: 's3://bucket' };
    for (const control of ['s3://bucket/a#b', 's3://bucket/a%25', 's3://bucket/x.json'])
      assert.equal(resolveConfig({ ...base, control }, {}).control, control);
    for (const control of [
      's3://bucket',
      's3://bucket/',
      's3://bucket/a/',
      's3://bucket/../x',
      's3://bucket/a//b',
      'https://x/y',
    ])
      assert.throws(() => resolveConfig({ ...base, control }, {}), /control/u, control);
  });
});
