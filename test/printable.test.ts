/** What stands in a log line of text that somebody else has chosen. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { printable } from '../src/printable.ts';

describe('printable', () => {
  test('a sentence is one line in any language', () =>
    assert.equal(
      printable(' Zahlung\r\n\u0007abgelehnt\u0085für 5 € \n', 'sentence', 80),
      'Zahlung abgelehnt für 5 €',
    ));

  test('ASCII is ASCII: no control of a terminal, and no mark that turns text around', () =>
    assert.equal(printable('a\u001b[2J\u009b\u202eb', 'ascii', 80), 'a?[2J??b'));

  test('a name keeps what paths, addresses and ARNs are made of, and neither blank nor bracket', () => {
    const arn = 'arn:aws:iam::123456789012:mfa/some.one@example.com';
    assert.equal(printable(arn, 'name', 80), arn);
    assert.equal(printable('/tmp/a b(high)\n', 'name', 80), '/tmp/a?b?high??');
  });

  test('it has no more than the most', () => assert.equal(printable('x'.repeat(90), 'name', 80), 'x'.repeat(80)));
});
