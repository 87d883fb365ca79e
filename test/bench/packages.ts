/** What the four packages cost that Amber stands on: installed, bundled, imported, and at work beside our own code. */
import { spawnSync } from 'node:child_process';
import { existsSync, lstatSync, readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { build, version } from 'esbuild';
import { encodeHeader, roundUp } from '../../src/archive/header.ts';
import { readStrictly } from '../../src/case/tar/read-tar.ts';
import { readWholeTar } from '../../src/case/tar/read-whole-tar.ts';
import { ownFigures } from '../../src/collect/second-opinion.ts';
import { byTurns, median, type Figure, type Measure } from './measure.ts';

const PACKAGES = ['@aws-sdk/client-s3', 'tar-stream', 'systeminformation', 'esbuild'];
/** What does the same work without the package. */
const INSTEAD: Readonly<Record<string, string>> = { '@aws-sdk/client-s3': 'aws4' };

/** Folders of a package and of all that it brings. */
function foldersOf(name: string, from = '.', seen = new Set<string>()): ReadonlySet<string> {
  const nested = join(from, 'node_modules', name);
  const folder = existsSync(nested) ? nested : join('node_modules', name);
  if (seen.has(folder) || !existsSync(folder)) return seen;
  seen.add(folder);
  const { dependencies = {}, optionalDependencies = {} } = JSON.parse(
    readFileSync(join(folder, 'package.json'), 'utf8'),
  ) as Record<string, Readonly<Record<string, string>> | undefined>;
  for (const one of Object.keys({ ...dependencies, ...optionalDependencies })) foldersOf(one, folder, seen);
  return seen;
}

function kibOf(folder: string): number {
  return readdirSync(folder, { withFileTypes: true }).reduce((sum, entry) => {
    const path = join(folder, entry.name);
    // What lies in a node_modules below is a package of its own, and is counted as that.
    if (entry.isDirectory()) return entry.name === 'node_modules' ? sum : sum + kibOf(path);
    return sum + lstatSync(path).size / 1024;
  }, 0);
}

async function bundledKib(name: string): Promise<number> {
  const stdin = { contents: `export * from ${JSON.stringify(name)};`, resolveDir: resolve('.') };
  const { outputFiles } = await build({
    stdin,
    bundle: true,
    platform: 'node',
    format: 'esm',
    minify: true,
    write: false,
    mainFields: ['module', 'main'],
    logLevel: 'error',
  });
  return (outputFiles[0]?.contents.length ?? 0) / 1024;
}

/** CPU milliseconds that the import takes in a process of its own. */
function importMs(name: string): number {
  const program = `const before = process.cpuUsage(); await import(${JSON.stringify(name)}); const { user, system } = process.cpuUsage(before); console.log((user + system) / 1000);`;
  return Number(spawnSync(process.execPath, ['--input-type=module', '-e', program], { encoding: 'utf8' }).stdout);
}

/** Median CPU milliseconds of what runs in this process, by turns. */
async function workMs(runs: number, contenders: readonly (() => unknown)[]): Promise<number[]> {
  const found = contenders.map((): number[] => []);
  for (let run = 0; run < runs; run += 1) {
    for (const [index, work] of contenders.entries()) {
      const before = process.cpuUsage();
      await work();
      const { user, system } = process.cpuUsage(before);
      found[index]?.push((user + system) / 1000);
    }
  }
  return found.map(median);
}

async function* tarball(entries: number): AsyncGenerator<Buffer> {
  const body = Buffer.alloc(roundUp(4096), 1);
  for (let index = 0; index < entries; index += 1) {
    yield await Promise.resolve(
      Buffer.concat([
        encodeHeader({ path: `[root]/tmp/${index}`, type: '0', mode: 0o644, size: 4096, mtimeSeconds: 1 }),
        body,
      ]),
    );
  }
  yield Buffer.alloc(1024);
}

const NOTHING = { entry: () => undefined, body: () => undefined, end: () => undefined };

export const packages: Measure = {
  name: 'packages',
  title: `The four packages: size, import and CPU (esbuild ${version} builds, and is in nothing that is shipped)`,
  run: async ({ quick }) => {
    const others = Object.values(INSTEAD);
    const imports = byTurns(
      quick ? 3 : 15,
      Object.fromEntries([...PACKAGES, ...others].map((name) => [name, () => importMs(name)])),
    );
    const rows: Figure[] = [];
    for (const name of PACKAGES) {
      const other = INSTEAD[name];
      rows.push({
        what: `${name}, installed with all that it brings`,
        ours: [...foldersOf(name)].reduce((sum, folder) => sum + kibOf(folder), 0),
        unit: 'KiB',
      });
      if (name !== 'esbuild')
        rows.push({ what: `${name}, bundled and minified`, ours: await bundledKib(name), unit: 'KiB' });
      const against =
        other === undefined
          ? {}
          : { against: { name: `import of ${other}, of the light transport`, value: imports[other] ?? Number.NaN } };
      rows.push({ what: `${name}, CPU of the import`, ours: imports[name] ?? Number.NaN, unit: 'ms', ...against });
    }
    const entries = quick ? 2000 : 10_000;
    const [whole = 0, strict = 0] = await workMs(quick ? 3 : 9, [
      () => readWholeTar(tarball(entries), NOTHING),
      () => readStrictly(tarball(entries), NOTHING),
    ]);
    rows.push({
      what: `tar-stream behind our guards, ${entries} files of 4 KiB read, CPU`,
      ours: whole,
      unit: 'ms',
      against: { name: 'the strict reader', value: strict },
    });
    const { mem, fullLoad, fsOpenFiles } = await import('systeminformation');
    const calls = async (): Promise<unknown> => [await mem(), await fullLoad(), await fsOpenFiles()];
    const [theirs = 0, own = 0] = await workMs(quick ? 5 : 31, [calls, () => ownFigures('/proc')]);
    rows.push({
      what: 'systeminformation, its three calls, CPU',
      ours: theirs,
      unit: 'ms',
      against: { name: 'our own parsers', value: own },
    });
    return rows;
  },
};
