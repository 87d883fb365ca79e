import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { describe, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { createRedactor } from '../../src/secrets/redactor.ts';

const MARK = /^<redacted:[0-9a-f]{16}>$/u;
const PEM = (): string =>
  `-----BEGIN RSA PRIVATE KEY-----\n${randomBytes(240).toString('base64')}\n-----END RSA PRIVATE KEY-----`;

describe('a value that was cut at the beginning of a shape', () => {
  test('is hidden and not learned: the secrets that begin with it are still found whole', () => {
    for (const [cut, whole] of [
      ['-----BEGIN', PEM()],
      ['-----BEGIN RSA', PEM()],
      ['sk_live_', `sk_live_${randomBytes(18).toString('hex')}`],
      ['https://', 'https://bob:hunter22@host/'],
      ['github_pat_', `github_pat_${randomBytes(30).toString('hex')}`],
      ['https://bob:', 'https://bob:hunter22@host/'],
    ] as const) {
      const redactor = createRedactor();
      for (const first of [`private_key=${cut} and more\n`, `{"privateKey":"${cut}"}`, `token=${cut}`])
        redactor.text(first);
      redactor.learn({ PRIVATE_KEY: cut });
      const secret = whole.startsWith('https') ? 'hunter22' : whole;
      const shown = redactor.text(`see ${whole} end`).value;
      assert.ok(!shown.includes(secret.slice(-30)), `${cut}: ${shown}`);
      if (secret === whole) assert.match(shown.slice(4, -4), MARK, cut);
    }
  });

  test('a PEM behind its name goes whole, with spaces and all', () => {
    const pem = PEM();
    for (const text of [
      `private_key=${pem}\n`,
      `PRIVATE_KEY: ${pem}`,
      JSON.stringify({ private_key: pem }),
      `export KEY='${pem}'`,
    ]) {
      assert.ok(!createRedactor().text(text).value.includes(pem.slice(40, 80)), text.slice(0, 30));
    }
  });

  test('a learned header of a JWT does not break up the JWT', () => {
    const header = Buffer.from('{"alg":"HS256","typ":"JWT"}').toString('base64url');
    const redactor = createRedactor();
    redactor.learn({ X_TOKEN: header });
    const payload = Buffer.from('{"sub":"bob","admin":true}').toString('base64url');
    assert.ok(
      !redactor.text(`saw ${header}.${payload}.${randomBytes(32).toString('base64url')}`).value.includes(payload),
    );
  });
});

describe('encodings', () => {
  test('what is written again can be read again, and its neighbours are as they were', () => {
    const inner = { user: 'bob', password: 'hunter2', n: 1, list: [1, 2] };
    const body = Buffer.from(JSON.stringify(inner)).toString('base64');
    const shown = createRedactor().json({ isBase64Encoded: true, body }).value as { body: string };
    const read = JSON.parse(Buffer.from(shown.body, 'base64').toString()) as typeof inner;
    assert.match(read.password, MARK);
    assert.deepEqual({ ...read, password: '' }, { ...inner, password: '' });
    const form = createRedactor().text(`a=1&payload=${encodeURIComponent(JSON.stringify(inner))}&c=d%20e`).value;
    assert.match((JSON.parse(new URLSearchParams(form).get('payload') ?? '') as typeof inner).password, MARK);
    assert.ok(form.startsWith('a=1&payload=') && form.endsWith('&c=d%20e'));
  });

  test('four layers are opened, a fifth is said', () => {
    let text = '{"password":"hunter2-and-more"}';
    const redactor = createRedactor();
    for (let layer = 1; layer <= 4; layer++) {
      text = Buffer.from(text).toString('base64');
      const found = createRedactor().text(`x ${text} y`);
      assert.notEqual(found.value, `x ${text} y`, `${layer}`);
    }
    const deep = redactor.text(`x ${Buffer.from(text).toString('base64')} y`);
    assert.ok(deep.redactions.some((name) => name.endsWith('limit:layers (1 texts)')));
  });

  test('gzip that unfolds beyond the bound is replaced and said; other gzip and noise stay', () => {
    const bomb = gzipSync(Buffer.alloc(8 * 1024 * 1024)).toString('base64');
    const found = createRedactor().text(`data ${bomb} end`);
    assert.equal(found.value, 'data <limit> end');
    assert.deepEqual(found.redactions, ['text:limit:encoded (1 texts)']);
    const plain = `data ${gzipSync('nothing of interest').toString('base64')} end ${randomBytes(60).toString('base64')}`;
    assert.equal(createRedactor().text(plain).value, plain);
  });

  test('values of several words, and messages about a value', () => {
    assert.match(
      createRedactor().text('password: correct horse battery staple\nnext').value,
      /^password: <redacted:[0-9a-f]{16}>\nnext$/u,
    );
    const message = 'password: must not be empty';
    assert.match(createRedactor().text(message).value, /must not|<redacted:[0-9a-f]{16}> not be empty/u);
  });

  test('keys of the web, parameters of SSM, .netrc and PuTTY', () => {
    const d = randomBytes(32).toString('base64url');
    assert.ok(!createRedactor().text(`jwk {"kty":"OKP","crv":"Ed25519","d":"${d}","x":"abc"}`).value.includes(d));
    assert.match((createRedactor().json({ kty: 'OKP', d }).value as { d: string }).d, MARK);
    assert.match(
      (
        createRedactor().json({ Parameter: { Name: '/x', Type: 'SecureString', Value: 'abc' } }).value as {
          Parameter: { Value: string };
        }
      ).Parameter.Value,
      MARK,
    );
    assert.ok(!createRedactor().text('{"Type":"SecureString","Value":"hunter2"}').value.includes('hunter2'));
    assert.ok(!createRedactor().text('machine h login bob password hunter2\n').value.includes('hunter2'));
    const lines = randomBytes(90).toString('base64');
    assert.ok(
      !createRedactor()
        .text(`Private-Lines: 2\n${lines.slice(0, 64)}\n${lines.slice(64)}\nPrivate-MAC: ${'ab'.repeat(20)}\n`)
        .value.includes(lines.slice(0, 30)),
    );
  });

  test('the Sid of a policy stays', () => {
    const policy = { Statement: [{ Sid: 'BackDoor', Effect: 'Allow', Principal: '*' }] };
    assert.deepEqual(createRedactor().json(policy), { value: policy, redactions: [] });
    assert.equal(
      createRedactor().text(JSON.stringify({ statement: JSON.stringify(policy) })).value,
      JSON.stringify({ statement: JSON.stringify(policy) }),
    );
  });
});
