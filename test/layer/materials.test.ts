/**
 * What the zips say of others: licences whole, a bill of materials that the published schema accepts, and a Node that
 * is the one that was meant.
 */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { checkIntegrity } from '../../layer/extension/parts.ts';
import { materials } from '../../layer/materials.ts';
import { notices } from '../../layer/third-party.ts';
import { PEERS } from '../package/installed.ts';
import { missing } from '../peers.ts';
import { unpackedLayer, type Unpacked } from './unpacked.ts';

interface Bill {
  readonly metadata: { readonly component: { readonly hashes: readonly { readonly content: string }[] } };
  readonly components: readonly {
    readonly 'bom-ref': string;
    readonly version: string;
    readonly hashes: readonly { readonly alg: string; readonly content: string }[];
  }[];
}

let layer: Unpacked;
let bill: Bill;
before(async () => {
  layer = await unpackedLayer('node');
  bill = JSON.parse(readFileSync(layer.built.materials, 'utf8')) as Bill;
});
after(() => rmSync(layer.home, { recursive: true }));

test('the zip holds our licence, and that of each package in it, whole', () => {
  const apache = readFileSync('LICENSE', 'utf8');
  for (const path of ['nodejs/node_modules/lambda-amber/LICENSE', 'amber/LICENSE'])
    assert.equal(readFileSync(join(layer.opt, path), 'utf8'), apache);
  const told = ['nodejs/node_modules/lambda-amber/THIRD-PARTY.txt', 'amber/THIRD-PARTY.txt']
    .map((path) => readFileSync(join(layer.opt, path), 'utf8'))
    .join('\n');
  assert.ok(bill.components.length > 10);
  for (const { 'bom-ref': ref, version } of bill.components) {
    const name = ref
      .replace('pkg:npm/', '')
      .replace('%40', '@')
      .slice(0, -version.length - 1);
    assert.ok(told.includes(`${name} ${version}\n`), ref);
  }
  assert.match(told, /Permission is hereby granted, free of charge/u);
  assert.match(told, /TERMS AND CONDITIONS FOR USE, REPRODUCTION, AND DISTRIBUTION/u);
});

test('a package without a licence ends the build; one within another is named by itself, and Apache text stands in for a file that is left out', () => {
  const home = mkdtempSync(join(tmpdir(), 'amber-licence-'));
  const inner = join(home, 'node_modules/outer/node_modules/@scope/inner');
  mkdirSync(inner, { recursive: true });
  const inputs = { [`${inner}/index.js`]: { bytes: 1, imports: [] } };
  const describe = (license: string): void =>
    writeFileSync(join(inner, 'package.json'), JSON.stringify({ name: '@scope/inner', version: '1.2.3', license }));
  describe('MIT');
  assert.throws(
    () => notices({ inputs }),
    /@scope\/inner 1\.2\.3 is part of the build and has no file with its licence \(MIT\)/u,
  );
  describe('Apache-2.0');
  assert.match(notices({ inputs }), /^@scope\/inner 1\.2\.3\n\n\s*Apache License/u);
  writeFileSync(join(inner, 'LICENCE.md'), 'The licence of inner');
  writeFileSync(join(inner, 'NOTICE'), 'A notice');
  assert.equal(notices({ inputs }), '@scope/inner 1.2.3\n\nThe licence of inner\n\nA notice\n');
  rmSync(home, { recursive: true });
});

test('the bill of materials names the zip by its digest, and each package by that of the lock file', () => {
  assert.deepEqual(
    bill.metadata.component.hashes.map(({ content }) => content),
    [createHash('sha256').update(readFileSync(layer.built.file)).digest('hex')],
  );
  const { packages } = JSON.parse(readFileSync('package-lock.json', 'utf8')) as {
    packages: Record<string, { integrity?: string } | undefined>;
  };
  const aws4 = bill.components.find((one) => one['bom-ref'].startsWith('pkg:npm/aws4@'));
  assert.equal(
    aws4?.hashes[0]?.content,
    Buffer.from(packages['node_modules/aws4']?.integrity?.slice(7) ?? '', 'base64').toString('hex'),
  );
  assert.equal(new Set(bill.components.map((one) => one['bom-ref'])).size, bill.components.length);
});

test('CycloneDX accepts the bill, strictly', async (t) => {
  if (!existsSync(PEERS)) return void missing(t, 'npm ci in test/package/peers');
  const { Spec, Validation } = createRequire(join(PEERS, 'x.js'))('@cyclonedx/cyclonedx-library') as {
    Spec: { Version: { v1dot6: string } };
    Validation: { JsonStrictValidator: new (version: string) => { validate: (text: string) => Promise<unknown> } };
  };
  const validator = new Validation.JsonStrictValidator(Spec.Version.v1dot6);
  assert.equal(await validator.validate(readFileSync(layer.built.materials, 'utf8')), null);
  const odd = materials('x', 'a'.repeat(64), [
    { name: '@a/b', version: '1.0.0', license: '(MIT OR Apache-2.0)', integrity: undefined },
  ]);
  assert.equal(await validator.validate(odd), null);
  assert.notEqual(
    await validator.validate(odd.replace('"library"', '"lib"')),
    null,
    'the validator refuses what is wrong',
  );
});

test('a Node that is not the one that was meant ends the build, and is not kept', () => {
  const file = join(layer.home, 'node.tgz');
  writeFileSync(file, 'a node');
  const digest = `sha512-${createHash('sha512').update('a node').digest('base64')}`;
  checkIntegrity(file, digest);
  assert.throws(
    () => checkIntegrity(file, digest.replace('sha512-', 'sha512-A')),
    /node\.tgz has the digest sha512-.*expects/u,
  );
  assert.ok(!existsSync(file));
});
