/**
 * A bill of materials in the form of CycloneDX 1.6 (ECMA-424), the same for the same files: no time, no serial number.
 */
import { defined } from '../src/defined.ts';
import { VERSION } from '../src/version.ts';
import type { Component } from './contracts.ts';

/** @param zip - SHA-256 of the layer, in hexadecimal */
export function materials(name: string, zip: string, components: readonly Component[]): string {
  const own = `pkg:generic/lambda-amber-${name}@${VERSION}`;
  const parts = [...new Map(components.map((one) => [purl(one), one])).entries()].sort(([one], [other]) =>
    one < other ? -1 : 1,
  );
  const bill = {
    bomFormat: 'CycloneDX',
    specVersion: '1.6',
    version: 1,
    metadata: {
      component: {
        type: 'application',
        'bom-ref': own,
        name: `lambda-amber-${name}`,
        version: VERSION,
        purl: own,
        hashes: [{ alg: 'SHA-256', content: zip }],
        licenses: [{ license: { id: 'Apache-2.0' } }],
      },
    },
    components: parts.map(([ref, one]) => described(ref, one)),
    dependencies: [{ ref: own, dependsOn: parts.map(([ref]) => ref) }],
  };
  return `${JSON.stringify(bill, undefined, 1)}\n`;
}

function described(ref: string, { name, version, license, integrity }: Component): object {
  const [, group, short = name] = /^(@[^/]+)\/(.+)$/u.exec(name) ?? [];
  const isOne = /^[\w.-]+$/u.test(license);
  return {
    type: 'library',
    'bom-ref': ref,
    ...defined({ group }),
    name: short,
    version,
    purl: ref,
    licenses: [isOne ? { license: { id: license } } : { expression: license }],
    ...(integrity?.startsWith('sha512-') === true
      ? { hashes: [{ alg: 'SHA-512', content: Buffer.from(integrity.slice(7), 'base64').toString('hex') }] }
      : {}),
  };
}

/** The name of a package for programs (package-url/purl-spec, npm). */
function purl({ name, version }: Component): string {
  return `pkg:npm/${name.replace('@', '%40')}@${version}`;
}
