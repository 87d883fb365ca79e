/** What an AmberError shows of itself as JSON. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { AmberError, describeError, type ErrorDocument } from '../src/errors.ts';
import { times } from './effort.ts';

const shown = (error: unknown): ErrorDocument => JSON.parse(JSON.stringify(error)) as ErrorDocument;

describe('JSON.stringify of an AmberError', () => {
  test('keeps the code, the message, the details and the causes', () => {
    const system = Object.assign(new Error("EACCES: permission denied, open '/mnt/x'"), { code: 'EACCES' });
    const error = new AmberError('DESTINATION_DENIED', 'The destination refused the write.', {
      cause: new Error('put failed', { cause: system }),
      details: { bucket: 'evidence', status: 403 },
    });
    assert.deepEqual(shown(error), {
      name: 'AmberError',
      code: 'DESTINATION_DENIED',
      message: 'The destination refused the write.',
      details: { bucket: 'evidence', status: 403 },
      cause: {
        name: 'Error',
        message: 'put failed',
        cause: { name: 'Error', code: 'EACCES', message: "EACCES: permission denied, open '/mnt/x'" },
      },
    });
    assert.deepEqual(shown({ failed: new AmberError('BUG', undefined, { cause: 'a text' }) }), {
      failed: {
        name: 'AmberError',
        code: 'BUG',
        message: 'A state that the code holds to be impossible.',
        details: {},
        cause: { name: 'string', message: 'a text' },
      },
    });
    assert.equal('cause' in shown(new AmberError('BUG')), false);
  });

  test('shows no secret that a cause brought along', () => {
    for (const [text, secret] of [
      ['connect https://user:hunter2@proxy.example:8080 failed', 'hunter2'],
      [
        'GET https://b.s3.amazonaws.com/k?X-Amz-Credential=AKID&X-Amz-Security-Token=FwoGZXIvYXdz&X-Amz-Signature=0123abc failed',
        'FwoGZXIvYXdz',
      ],
      ['GET https://b.s3.amazonaws.com/k?X-Amz-Signature=0123abc', '0123abc'],
      ['{"SecretAccessKey":"abcdef","SessionToken":"short"}', 'abcdef'],
      ['password=hunter2;', 'hunter2'],
      ['Authorization: Bearer abc.def', 'abc.def'],
      ['no identity in AGE-SECRET-KEY-1QQQQQQQQQQ', '1QQQQQQQQQQ'],
      ['-----BEGIN PRIVATE KEY-----\nMC4CAQ\n-----END PRIVATE KEY-----', 'MC4CAQ'],
      ['the key wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY was refused', 'wJalrXUtnFEMI'],
    ] as const) {
      const json = JSON.stringify(new AmberError('BUG', text, { cause: new Error(text, { cause: text }) }));
      assert.ok(!json.includes(secret), json);
    }
  });

  test('leaves what a reader needs: keys of objects, digests, ARNs, access key ids', () => {
    for (const text of [
      's3:PutObject to s3://evidence/amber/account=111122223333/region=eu-central-1/function=CheckoutServiceForEurope/date=2025-06-30/capture=0197c0de-0000-7000-8000-0000000000aa/capture-0000.tar.zst failed (403 AccessDenied)',
      'b5bb9d8014a0f9b1d61e21e796d78dccdf1352f23cd32812f4850b878ae4944c',
      'arn:aws:lambda:eu-central-1:111122223333:function:checkout',
      'ASIAQNZEXAMPLE000001',
    ])
      assert.equal(shown(new AmberError('BUG', text)).message, text);
  });

  test('ends for any cause, in one line of bounded length', () => {
    const ring = new Error('ring');
    ring.cause = ring;
    assert.ok(JSON.stringify(new AmberError('BUG', 'x', { cause: ring })).length < 1000);
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.anything(), (text, cause) => {
        const json = JSON.stringify(
          new AmberError('BUG', text.repeat(50), { cause: new Error(text.repeat(50), { cause }) }),
        );
        assert.ok(
          describeError(cause).length <= 500 &&
            json.length < 12_000 &&
            shown(new AmberError('BUG', text)).code === 'BUG',
        );
      }),
      { numRuns: times(100) },
    );
  });
});
