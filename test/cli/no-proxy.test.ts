import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isExcluded } from '../../src/cli/no-proxy.ts';

test('NO_PROXY excludes names with all below them, ports, addresses and networks, and nothing else', () => {
  const cases: readonly (readonly [list: string, excluded: readonly string[], others: readonly string[]])[] = [
    ['', [], ['a.example']],
    ['*', ['a.example', '192.0.2.1', '::1'], []],
    [
      'amazonaws.com',
      ['amazonaws.com', 'lambda.eu-central-1.AmazonAWS.com', 's3.amazonaws.com.'],
      ['notamazonaws.com', 'amazonaws.com.cn', 'com'],
    ],
    ['.amazonaws.com', ['sts.amazonaws.com', 'amazonaws.com'], ['xamazonaws.com']],
    ['*.internal', ['minio.internal'], ['internal.example']],
    [
      'a.example,b.example  c.example\t,,d.example',
      ['a.example', 'b.example', 'c.example', 'd.example'],
      ['e.example'],
    ],
    ['a.example:443', ['a.example', 'x.a.example'], []],
    ['a.example:8443', [], ['a.example']],
    ['[::1]:443, 2001:db8::1', ['::1', '[::1]', '2001:db8::1'], ['::2']],
    [
      '10.0.0.0/8, 192.0.2.7,fd00::/8',
      ['10.255.0.1', '192.0.2.7', 'fd00::5'],
      ['11.0.0.1', '192.0.2.77', 'fe80::1', '10.example'],
    ],
    ['10.0.0.0/99, /, :443, ., 10.0.0.0/, host/8', [], ['10.0.0.1', 'host', 'a.example', '']],
    ['2.1', [], ['192.0.2.1']],
  ];
  for (const [list, excluded, others] of cases) {
    for (const host of excluded) assert.equal(isExcluded(list, host, 443), true, `${list}: ${host}`);
    for (const host of others) assert.equal(isExcluded(list, host, 443), false, `${list}: ${host}`);
  }
});
