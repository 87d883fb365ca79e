/**
 * What of others is part of the files that are built: their licences, whole, and what a bill of materials says of them.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Metafile } from 'esbuild';
import { AmberError } from '../src/errors.ts';
import type { Component } from './contracts.ts';

type Inputs = Pick<Metafile, 'inputs'>;

/** Folders of the packages from which a bundle was made; a package may lie within another one. */
function foldersOf({ inputs }: Inputs): readonly string[] {
  const found = Object.keys(inputs).map((path) => /^(?:.*\/)?node_modules\/(?:@[^/]+\/)?[^/]+/u.exec(path)?.[0] ?? '');
  return [...new Set(found)].filter((folder) => folder !== '').sort();
}

/** The packages of a bundle. */
export function componentsOf(metafile: Inputs): readonly Component[] {
  const { packages } = json('package-lock.json') as {
    packages: Readonly<Record<string, { integrity?: string } | undefined>>;
  };
  return foldersOf(metafile).map((folder) => {
    const { name, version, license } = json(join(folder, 'package.json')) as Pick<
      Component,
      'name' | 'version' | 'license'
    >;
    return { name, version, license, integrity: packages[folder]?.integrity };
  });
}

/**
 * The licences of the packages of a bundle, and what they want to be told (NOTICE).
 *
 * @throws AmberError BUG for a package that has none: it may not be given on.
 */
export function notices(metafile: Inputs): string {
  const folders = foldersOf(metafile);
  return folders
    .map((folder) => {
      const { name, version, license } = packageOf(folder);
      const texts = licenceFiles(folder);
      // A package that is developed beside another one may leave the licence to that.
      if (texts.length === 0)
        texts.push(
          ...folders
            .filter((other) => isBeside(packageOf(other), packageOf(folder)))
            .flatMap(licenceFiles)
            .slice(0, 1),
        );
      // Some packages of the SDK leave their licence out; it is the one that ours is.
      if (texts.length === 0 && license === 'Apache-2.0') texts.push('LICENSE');
      if (texts.length === 0)
        throw new AmberError(
          'BUG',
          `${name} ${version} is part of the build and has no file with its licence (${license})`,
        );
      return `${name} ${version}\n\n${texts.map((text) => readFileSync(text, 'utf8').trim()).join('\n\n')}\n`;
    })
    .join(`\n${'-'.repeat(80)}\n\n`);
}

interface Package extends Component {
  readonly repository?: string | { readonly url?: string };
}

function packageOf(folder: string): Package {
  return json(join(folder, 'package.json')) as Package;
}

function licenceFiles(folder: string): string[] {
  return readdirSync(folder)
    .filter((file) => /^(?:licen[cs]e|copying|notice)/iu.test(file))
    .sort()
    .map((file) => join(folder, file));
}

/** One repository, one licence. */
function isBeside(one: Package, other: Package): boolean {
  const [url, of] = [one, other].map(({ repository }) =>
    typeof repository === 'string' ? repository : repository?.url,
  );
  return url !== undefined && url === of && one.license === other.license;
}

function json(path: string): unknown {
  return JSON.parse(readFileSync(path, 'utf8'));
}
