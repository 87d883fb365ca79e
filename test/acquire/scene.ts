/** A function in moto behind the proxy, and collections of it, read back from the tarball alone. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after } from 'node:test';
import { Readable } from 'node:stream';
import { pathToFileURL } from 'node:url';
import { extract } from 'tar-stream';
import { runCollection, type CollectReport, type CollectRequest } from '../../src/acquire/collect.ts';
import { openLocal } from '../../src/case/store/open.ts';
import { storedBytes, tarBytes } from '../../src/case/tar/segment-bytes.ts';
import { resolveConfig, type Options } from '../../src/config/config.ts';
import type { ManifestItem } from '../../src/contracts/evidence.ts';
import { awsProxy, type AwsProxy, type Rule } from '../servers/aws-proxy.ts';
import { moto, MOTO_ENV, stopMoto, type Filled } from '../servers/moto.ts';

const folders: string[] = [];
const proxies: AwsProxy[] = [];
after(async () => {
  for (const proxy of proxies) await proxy.close();
  await stopMoto();
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

export function freshFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'amber-acquire-'));
  folders.push(folder);
  return folder;
}

export interface Scene {
  readonly made: Filled;
  readonly packages: string;
  readonly proxy: AwsProxy;
  readonly motoEndpoint: string;
}

let filled: { made: Filled; packages: string } | undefined;

/** The function, filled once in a process, with a proxy of its own. Undefined after the test was skipped. */
export async function scene(
  t: { skip: (message: string) => void },
  ...rules: readonly Rule[]
): Promise<Scene | undefined> {
  Object.assign(process.env, MOTO_ENV);
  const server = await moto(t);
  if (server === undefined) return undefined;
  if (filled === undefined) {
    const packages = freshFolder();
    filled = { packages, made: await server.fill(packages) };
  }
  const proxy = await awsProxy(server.endpoint, filled.packages);
  proxy.rules.push(...rules);
  proxies.push(proxy);
  return { ...filled, proxy, motoEndpoint: server.endpoint };
}

export interface Collected {
  readonly report: CollectReport;
  readonly out: string;
  /** Contents of the tarball. */
  readonly files: ReadonlyMap<string, Buffer>;
  readonly items: readonly ManifestItem[];
}

export async function collect(
  endpoint: string,
  request: Partial<CollectRequest> = {},
  options: Options = {},
  out: string = freshFolder(),
): Promise<Collected> {
  const report = await runCollection({
    functionName: 'checkout',
    config: resolveConfig({ destination: pathToFileURL(out).href, ...options }, {}),
    clients: { region: 'eu-central-1', endpoint, paced: false },
    window: {},
    accessKeyIds: [],
    signal: new AbortController().signal,
    ...request,
  });
  const files =
    options.recipient === undefined && report.segments > 0
      ? await readTarball(report.location)
      : new Map<string, Buffer>();
  return { report, out, files, items: itemsOf(files) };
}

/** Everything in the tarball of a capture folder. */
export async function readTarball(location: string): Promise<Map<string, Buffer>> {
  const files = new Map<string, Buffer>();
  for await (const { path, body } of tarEntries(location)) files.set(path, body);
  return files;
}

/**
 * Entry by entry. Not through Node's own zstd stream, which fails ("Unknown frame descriptor") where a chunk of its
 * input ends inside the header of a further frame.
 */
export async function* tarEntries(location: string): AsyncGenerator<{ path: string; body: Buffer }> {
  const capture = await openLocal(location);
  const bytes = async function* (): AsyncGenerator<Buffer> {
    for (const part of capture.parts) yield* tarBytes(storedBytes(capture, part), part, undefined);
  };
  for await (const entry of Readable.from(bytes()).pipe(extract())) {
    const pieces: Buffer[] = [];
    for await (const piece of entry as AsyncIterable<Buffer>) pieces.push(piece);
    yield { path: entry.header.name, body: Buffer.concat(pieces) };
  }
}

function itemsOf(files: ReadonlyMap<string, Buffer>): ManifestItem[] {
  return [...files]
    .filter(([path]) => path.startsWith('manifest/'))
    .flatMap(([, body]) => lines<ManifestItem>(body).slice(1));
}

export function lines<T>(body: Buffer | undefined): T[] {
  return (body ?? Buffer.alloc(0))
    .toString('utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as T);
}

/** The JSON of an entry; fails the test if it is not there. */
export function value(files: ReadonlyMap<string, Buffer>, path: string): unknown {
  const body = files.get(path);
  if (body === undefined) throw new Error(`${path} is not in the tarball; there are ${[...files.keys()].join(', ')}`);
  return JSON.parse(body.toString('utf8'));
}

/** All rows of a series: NAME-0000.jsonl, NAME-0001.jsonl, … */
export function series<T>(files: ReadonlyMap<string, Buffer>, stem: string): T[] {
  return [...files.keys()]
    .filter((path) => path.startsWith(`${stem}-`) && /-\d{4}\.jsonl$/u.test(path))
    .sort()
    .flatMap((path) => lines<T>(files.get(path)));
}
