import assert from 'node:assert/strict';
import { test } from 'node:test';
import { captureFolder, encodeComponent, objectKey } from '../../src/ship/key.ts';

const capture = {
  captureId: '0198f2f0-7a53-7000-8000-00000000abcd',
  account: '111122223333',
  region: 'eu-central-1',
  functionName: 'checkout_v2',
  date: '2026-11-24',
};

test('the key names account, region, function, day and capture', () => {
  const folder =
    'account=111122223333/region=eu-central-1/function=checkout_v2/date=2026-11-24/capture=0198f2f0-7a53-7000-8000-00000000abcd';
  assert.equal(captureFolder(capture).join('/'), folder);
  assert.equal(objectKey('team/amber', capture, 'capture-0000.tar.zst'), `team/amber/${folder}/capture-0000.tar.zst`);
  assert.equal(objectKey('', capture, 'manifest.json'), `${folder}/manifest.json`);
});

test('no value brings a slash, a control byte, an equals sign or a dot name', () => {
  assert.equal(encodeComponent('../../etc'), '..%2F..%2Fetc');
  assert.equal(encodeComponent('a/b=c d%'), 'a%2Fb%3Dc%20d%25');
  assert.equal(encodeComponent('\u001b[31m\n'), '%1B%5B31m%0A');
  assert.equal(encodeComponent('ü'), '%C3%BC');
  assert.equal(encodeComponent('.'), '%2E');
  assert.equal(encodeComponent('..'), '%2E%2E');
  assert.equal(encodeComponent(''), 'unknown');
});

test('a component stays short, and no percent sequence is cut in two', () => {
  for (let length = 40; length < 80; length++) {
    const encoded = encodeComponent(`${'a'.repeat(length)}${'ü'.repeat(100)}`);
    assert.ok(encoded.length <= 160);
    assert.doesNotMatch(encoded, /%.?$/u);
  }
  const longest = {
    captureId: 'c'.repeat(999),
    account: 'a'.repeat(999),
    region: 'r'.repeat(999),
    functionName: 'f'.repeat(999),
    date: 'd'.repeat(999),
  };
  assert.ok(captureFolder(longest).every((part) => Buffer.byteLength(part) <= 255));
});
