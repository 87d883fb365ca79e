/** Which packages the code brings, from their own manifests: npm's package.json, Python's METADATA. */
import { closeSync, fstatSync, readSync } from 'node:fs';
import { describeError } from '../errors.ts';
import { Descent } from '../fs/descent.ts';
import { Kind, State } from '../fs/kinds.ts';
import { displayName } from '../fs/names.ts';
import { openFile } from '../fs/open.ts';
import type { Tree } from '../fs/tree.ts';
import { many } from '../many.ts';

export interface PackageRow {
  readonly ecosystem: 'npm' | 'python';
  readonly name: string | undefined;
  readonly version: string | undefined;
  readonly path: string;
  readonly problem?: string;
}

export interface PackageList {
  readonly packages: readonly PackageRow[];
  /** Manifests beyond the limit. */
  readonly unread: number;
}

const MAX_PACKAGES = 20_000;
/** Of a manifest; the largest on the registry are some tens of KiB. */
const MAX_BYTES = 256 * 1024;
const MAX_TEXT = 256;

/** What kind of package manifest an entry is, or undefined. Paths decide: any `package.json` may be data. */
export function packageKind(tree: Tree, entry: number): PackageRow['ecosystem'] | undefined {
  const name = tree.names[entry];
  if (tree.kind(entry) !== Kind.file || tree.state(entry) !== State.whole) return undefined;
  if (name === 'package.json') return isPackageFolder(tree, tree.parent(entry)) ? 'npm' : undefined;
  if (name !== 'METADATA' && name !== 'PKG-INFO') return undefined;
  const folder = tree.names[tree.parent(entry)] ?? '';
  return folder.endsWith('.dist-info') || folder.endsWith('.egg-info') ? 'python' : undefined;
}

/** A root itself, `node_modules/NAME` or `node_modules/@SCOPE/NAME`. */
function isPackageFolder(tree: Tree, folder: number): boolean {
  const above = folder < 0 ? -1 : tree.parent(folder);
  if (above < 0) return true;
  const scope = tree.names[above] ?? '';
  return scope === 'node_modules' || (scope.startsWith('@') && tree.names[tree.parent(above)] === 'node_modules');
}

/** Reads the manifests of a tree. A manifest that cannot be read is a row with a problem. */
export async function listPackages(tree: Tree, yieldIfDue: () => Promise<void> | undefined): Promise<PackageList> {
  const packages: PackageRow[] = [];
  const descent = new Descent(tree);
  const buffer = Buffer.allocUnsafe(MAX_BYTES);
  let unread = 0;
  try {
    for (let entry = 0; entry < tree.count; entry += 1) {
      const ecosystem = packageKind(tree, entry);
      if (ecosystem === undefined) continue;
      if (packages.length < MAX_PACKAGES)
        packages.push(row(tree, entry, ecosystem, read(tree, entry, descent, buffer)));
      else unread += 1;
      await yieldIfDue();
    }
  } finally {
    descent.close();
  }
  return { packages, unread };
}

/** The text of a manifest; an object says why there is none. */
function read(tree: Tree, entry: number, descent: Descent, buffer: Buffer): string | { readonly problem: string } {
  let fd = -1;
  try {
    fd = openFile(descent.directory(tree.parent(entry)), tree.names[entry] ?? '', { own: true });
    const stat = fstatSync(fd);
    if (!stat.isFile()) return { problem: 'it is no file any more' };
    if (stat.size > MAX_BYTES) return { problem: `it has ${many(stat.size, 'byte')}` };
    return buffer.toString('utf8', 0, readSync(fd, buffer, 0, MAX_BYTES, 0));
  } catch (cause) {
    return { problem: describeError(cause) };
  } finally {
    if (fd >= 0) closeSync(fd);
  }
}

function row(
  tree: Tree,
  entry: number,
  ecosystem: PackageRow['ecosystem'],
  text: string | { readonly problem: string },
): PackageRow {
  const path = displayName(tree.path(entry));
  if (typeof text !== 'string') return { ecosystem, name: undefined, version: undefined, path, ...text };
  try {
    return { ecosystem, path, ...(ecosystem === 'npm' ? fromJson(text) : fromHeaders(text)) };
  } catch (cause) {
    return { ecosystem, name: undefined, version: undefined, path, problem: describeError(cause) };
  }
}

interface Identity {
  readonly name: string | undefined;
  readonly version: string | undefined;
}

function fromJson(text: string): Identity {
  const value: unknown = JSON.parse(text.replace(/^\ufeff/u, ''));
  if (typeof value !== 'object' || value === null) return { name: undefined, version: undefined };
  return {
    name: shown('name' in value ? value.name : undefined),
    version: shown('version' in value ? value.version : undefined),
  };
}

/**
 * Core metadata is in the form of mail headers. https://packaging.python.org/en/latest/specifications/core-metadata/
 */
function fromHeaders(text: string): Identity {
  const end = text.search(/\r?\n\r?\n/u);
  const headers = end < 0 ? text : text.slice(0, end);
  return {
    name: shown(/^Name:[ \t]*(.*)$/mu.exec(headers)?.[1]),
    version: shown(/^Version:[ \t]*(.*)$/mu.exec(headers)?.[1]),
  };
}

function shown(value: unknown): string | undefined {
  return typeof value === 'string' ? value.trim().slice(0, MAX_TEXT) : undefined;
}
