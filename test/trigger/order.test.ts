import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { createPublicKey, sign, verify } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { resolveConfig } from '../../src/config/config.ts';
import { MAX_ORDER_BYTES, parseOrder } from '../../src/trigger/order.ts';
import { newControlKey, readControlKey } from '../../src/cli/control-keys.ts';
import { boundId } from '../../src/trigger/order-binding.ts';
import { canonicalForm, fingerprint, signOrder } from '../../src/trigger/order-signature.ts';
import { requirePeer } from '../peers.ts';
import { bytes, IDLE, newOrder, newResponder, signerFor } from '../host/orders/orders.ts';
import { config, judge, NOW, responder, signed, why } from './judged.ts';
import { times } from '../effort.ts';

const RECIPIENT = 'age1jxyjc3f3v9d9e7lrdg9mdf9jteplqs04q47w50pf5pulw9lpxduqy64en5';

describe('parsing', () => {
  test('an order that is whole, and the idle object', () => {
    const order = newOrder();
    assert.deepEqual(parseOrder(bytes(order)), { kind: 'order', order });
    assert.deepEqual(parseOrder(bytes(IDLE)), { kind: 'idle' });
  });

  test('wrong types, unknown members, missing ones and controls in texts are malformed; no value is repeated', () => {
    const secret = 'hunter22';
    const wrong: readonly unknown[] = [
      null,
      [],
      'text',
      7,
      {},
      { amber: 2, state: 'idle' },
      { ...newOrder(), state: 'delete' },
      { ...newOrder(), id: secret.slice(0, 3) },
      { ...newOrder(), id: `../${secret}` },
      { ...newOrder(), issued: NOW },
      { ...newOrder(), expires: 'tomorrow' },
      { ...newOrder(), expires: '2026-02-30T25:00:00Z' },
      { ...newOrder(), scope: {} },
      { ...newOrder(), scope: { host: secret } },
      { ...newOrder(), scope: ['all'] },
      { ...newOrder(), scope: { function: 7 } },
      { ...newOrder(), requester: '' },
      { ...newOrder(), reason: `line\n{"amber":"capture"}` },
      { ...newOrder(), reason: 'x'.repeat(501) },
      { ...newOrder(), collect: '+heap' },
      { ...newOrder(), collect: [] },
      { ...newOrder(), maxMs: -1 },
      { ...newOrder(), maxBytes: 1.5 },
      { ...newOrder(), signature: 'short' },
      { ...newOrder(), [secret]: 1 },
      Buffer.from(JSON.stringify(newOrder()).replace('"amber":1', '"amber":1,"__proto__":{"x":1}')),
      Buffer.from('{'),
      Buffer.from([0x7b, 0xff, 0x7d]),
      Buffer.alloc(0),
    ];
    for (const document of wrong) {
      const parsed = parseOrder(document instanceof Buffer ? document : bytes(document));
      assert.equal(parsed.kind, 'refused', JSON.stringify(document));
      assert.ok(!('reason' in parsed && parsed.reason.includes(secret)));
    }
  });

  test('10 MB are refused by their size, before they are read as JSON', () => {
    const before = process.memoryUsage().heapUsed;
    const parsed = parseOrder(Buffer.alloc(10 * 1024 * 1024, 0x5b));
    assert.deepEqual(parsed, {
      kind: 'refused',
      why: 'too-long',
      reason: `it is longer than ${String(MAX_ORDER_BYTES)} bytes`,
    });
    assert.ok(process.memoryUsage().heapUsed - before < 5 * 1024 * 1024);
  });

  test('any JSON gives an answer and no error', () => {
    fc.assert(
      fc.property(fc.json({ maxDepth: 4 }), (text) => {
        assert.ok(['order', 'idle', 'refused'].includes(parseOrder(Buffer.from(text)).kind));
      }),
      { numRuns: times(100) },
    );
    fc.assert(
      fc.property(
        fc.dictionary(fc.constantFrom(...Object.keys(newOrder()), 'signature', 'collect', 'x'), fc.jsonValue()),
        (changes) => {
          assert.ok(['order', 'idle', 'refused'].includes(parseOrder(bytes({ ...newOrder(), ...changes })).kind));
        },
      ),
      { numRuns: times(100) },
    );
    assert.equal(parseOrder(Buffer.from('['.repeat(MAX_ORDER_BYTES))).kind, 'refused');
  });
});

describe('signatures', () => {
  test('fit whatever the order of members and the white space', () => {
    const order = signed(responder, { destination: 's3://other/x', scope: { version: '7', function: 'f' } });
    const turned = Object.fromEntries(Object.entries(order).reverse());
    assert.equal(why(Buffer.from(JSON.stringify(turned, null, 4))), 'admitted');
  });

  test('are plain Ed25519 over the form that is documented', () => {
    const order = newOrder({
      id: 'order-0001',
      issued: '2026-01-31T10:00:00Z',
      expires: '2026-01-31T11:00:00Z',
      scope: { version: '1', function: 'f' },
      requester: 'é',
      reason: 'r',
    });
    const text =
      'lambda-amber order 1\n{"amber":1,"expires":"2026-01-31T11:00:00Z","id":"order-0001","issued":"2026-01-31T10:00:00Z","reason":"r","requester":"é","scope":{"function":"f","version":"1"},"state":"capture"}';
    assert.equal(canonicalForm(order).toString(), text);
    const signature = sign(null, Buffer.from(text), responder.privateKey);
    assert.equal(
      why(
        { ...order, signature: signature.toString('base64url') },
        { nowMs: Date.parse(order.issued), config: config({ controlUnbound: true }) },
      ),
      'admitted',
    );
    assert.ok(verify(null, Buffer.from(text), createPublicKey(responder.privateKey), signature));
  });

  test('are checked and made by openssl as by us', (t) => {
    if (!requirePeer(t, 'openssl')) return;
    const folder = mkdtempSync(join(tmpdir(), 'amber-order-'));
    t.after(() => rmSync(folder, { recursive: true }));
    const at = (name: string): string => join(folder, name);
    const { privateFile, publicFile, publicKey } = newControlKey(folder);
    const order = signOrder(newOrder({ id: boundId('s3://control/k') }), readControlKey(privateFile));
    writeFileSync(at('message'), canonicalForm(order));
    writeFileSync(at('signature'), Buffer.from(order.signature ?? '', 'base64url'));
    const checked = spawnSync(
      'openssl',
      [
        'pkeyutl',
        '-verify',
        '-pubin',
        '-inkey',
        publicFile,
        '-rawin',
        '-in',
        at('message'),
        '-sigfile',
        at('signature'),
      ],
      { encoding: 'utf8' },
    );
    assert.equal(checked.status, 0, checked.stderr + checked.stdout);
    const made = spawnSync(
      'openssl',
      ['pkeyutl', '-sign', '-inkey', privateFile, '-rawin', '-in', at('message'), '-out', at('theirs')],
      { encoding: 'utf8' },
    );
    assert.equal(made.status, 0, made.stderr);
    assert.equal(
      why(
        { ...order, signature: readFileSync(at('theirs')).toString('base64url') },
        { config: config({ controlKey: publicKey }) },
      ),
      'admitted',
    );
  });

  test('do not fit after any change, nor with another key; then the order is refused and does not count as unsigned', () => {
    const order = signed(responder);
    for (const change of [
      { id: 'another-id' },
      { scope: { function: 'f' } },
      { reason: 'x' },
      { expires: new Date(NOW + 700_000).toISOString() },
      { destination: 's3://evil/x' },
      { state: 'stop' as const },
    ]) {
      assert.equal(why({ ...order, ...change }), 'signature');
    }
    assert.equal(why(signed(newResponder())), 'signature');
    assert.equal(why({ ...newOrder(), signature: 'A'.repeat(86) }), 'signature');
  });

  test('one of several keys is enough, and the record names it; a key that is no point of the curve fits nothing', () => {
    const other = newResponder();
    const verdict = judge(signed(responder), { config: config({ controlKey: [other.key, responder.key] }) });
    assert.equal(verdict.kind === 'admitted' ? verdict.record.signedBy : '', fingerprint(responder.key));
    assert.equal(
      why(signed(responder), { config: config({ controlKey: [`ed25519:${'_'.repeat(43)}`] }) }),
      'signature',
    );
  });
});

describe('what an order may do', () => {
  test('unsigned: start a capture as configured, and nothing else', () => {
    const verdict = judge(newOrder());
    assert.equal(verdict.kind, 'admitted');
    assert.deepEqual([verdict.config, verdict.record.signedBy, verdict.record.overrides], [config(), undefined, []]);
    for (const change of [
      { destination: 's3://foreign/x' },
      { collect: ['+timeline'] },
      { recipient: RECIPIENT },
      { maxBytes: 1_000_000 },
      { maxMs: 50 },
      { state: 'stop' as const },
    ]) {
      assert.equal(why(newOrder(change)), 'unsigned', JSON.stringify(change));
      assert.equal(
        why(newOrder(change), { config: resolveConfig({ destination: 's3://evidence/amber' }, {}) }),
        'no-key',
      );
    }
    assert.equal(why(newOrder({ destination: 's3://evidence/amber' })), 'admitted', 'what is configured is no change');
    assert.equal(
      why(signed(responder), { config: resolveConfig({ destination: 's3://evidence/amber' }, {}) }),
      'admitted',
      'without a key it counts as unsigned',
    );
  });

  test('signed: destination, collectors, recipient and budget of that one capture', () => {
    const verdict = judge(
      signed(responder, {
        destination: 's3://case-7/x',
        collect: ['+process-memory', '-code'],
        recipient: RECIPIENT,
        maxBytes: 100_000,
        maxMs: 5000,
      }),
      { config: config({ collect: '-timeline' }) },
    );
    assert.equal(verdict.kind, 'admitted');
    const { config: own, record } = verdict;
    assert.deepEqual(
      [own.destination, own.collect, own.recipient, own.maxBytes, own.maxMs],
      ['s3://case-7/x', ['-timeline', '+process-memory', '-code'], RECIPIENT, 100_000, 5000],
    );
    assert.equal(own.marginMs, config().marginMs);
    assert.deepEqual(record.overrides, ['destination', 'recipient', 'collect', 'maxBytes', 'maxMs']);
  });

  test('signed, what is not usable is refused as it would be in code', () => {
    for (const change of [
      { collect: ['+heap'] },
      { collect: ['+everything'] },
      { destination: 'nowhere' },
      { maxMs: 1 },
      { recipient: 'age1x' },
    ])
      assert.equal(why(signed(responder, change)), 'config', JSON.stringify(change));
  });

  test('in an event: nothing without a signature', () => {
    assert.equal(why(newOrder(), { trigger: 'event', needsSignature: true }), 'unsigned');
    assert.equal(why(signerFor('event')(responder), { trigger: 'event', needsSignature: true }), 'admitted');
    assert.equal(why(signed(responder), { needsSignature: true, config: resolveConfig({}, {}) }), 'no-key');
    assert.equal(
      why(signed(responder, { expires: new Date(NOW + 7_200_000).toISOString() }), { maxLifeMs: 3_600_000 }),
      'long-lived',
    );
  });
});
