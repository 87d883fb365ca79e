/** 205,000 keys of an intruder in the folder of a capture: what is ours is listed, in a bounded part of them. */
import { equal, match, ok } from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { makeCapture } from '../case/captures.ts';
import { program, type Ran } from './program.ts';

const JUNK = 205_000;
const PAGE = 1000;
const FLOODED = 'amber/date=2025-06-30/capture=0197c0de-0000-7000-8000-0000000000aa/';
const BEHIND = 'amber/date=2025-06-30/capture=0197c0de-0000-7000-8000-0000000000bb/';

let keys: readonly string[] = [];
const bodies = new Map<string, Buffer>();
let lists = 0;
let told = 0;

/** The place of the first key that does not come before this one. */
function behind(key: string): number {
  let [low, high] = [0, keys.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((keys[middle] ?? '') < key) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** ListObjectsV2 as S3 answers it: keys in order, those of folders below taken together where a delimiter is named. */
function page(query: URLSearchParams): string {
  lists += 1;
  const [prefix, delimiter] = [query.get('prefix') ?? '', query.get('delimiter') ?? ''];
  const from = query.get('continuation-token') ?? query.get('start-after') ?? '';
  const found: string[] = [];
  let more = false;
  for (let at = behind(from < prefix ? prefix : from); at < keys.length; at += 1) {
    const key = keys[at] ?? '';
    if (!key.startsWith(prefix)) break;
    if (key <= from || (delimiter !== '' && key.slice(prefix.length).includes(delimiter))) continue;
    if (found.length === PAGE) {
      more = true;
      break;
    }
    found.push(key);
  }
  told += found.length;
  const contents = found.map(
    (key) => `<Contents><Key>${key}</Key><Size>${bodies.get(key)?.length ?? 1}</Size></Contents>`,
  );
  const next = more ? `<NextContinuationToken>${found.at(-1) ?? ''}</NextContinuationToken>` : '';
  return `<?xml version="1.0"?><ListBucketResult><IsTruncated>${more}</IsTruncated>${next}${contents.join('')}</ListBucketResult>`;
}

const server = createServer((request, response) => {
  const { pathname, searchParams } = new URL(request.url ?? '', 'http://localhost');
  if (searchParams.has('list-type')) response.end(page(searchParams));
  else if (searchParams.has('versions')) response.writeHead(403).end('<Error><Code>AccessDenied</Code></Error>');
  else {
    const body = bodies.get(decodeURIComponent(pathname).slice('/evidence/'.length));
    response.writeHead(body === undefined ? 404 : 200).end(body);
  }
});
before(async () => {
  for (const [place, captureId] of [
    [FLOODED, '0197c0de-0000-7000-8000-0000000000aa'],
    [BEHIND, '0197c0de-0000-7000-8000-0000000000bb'],
  ] as const) {
    const { folder, manifest } = await makeCapture({ apart: true, captureId });
    for (const name of [...manifest.segments.map((one) => one.name), 'manifest.json'])
      bodies.set(`${place}${name}`, readFileSync(join(folder, name)));
  }
  const junk = Array.from(
    { length: JUNK },
    (_, at) => `${FLOODED}${at % 2 === 0 ? 'a' : 'capture-0000-junk'}${String(at).padStart(6, '0')}`,
  );
  keys = [...bodies.keys(), ...junk].sort();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
});
after(() => server.close());

async function run(command: string): Promise<Ran> {
  const { port } = server.address() as AddressInfo;
  const argv = [command, 's3://evidence/amber', '--endpoint', `http://127.0.0.1:${port}`, '--path-style'];
  const env = { AWS_REGION: 'eu-central-1', AWS_ACCESS_KEY_ID: 'AKIAIOSFODNN7EXAMPLE', AWS_SECRET_ACCESS_KEY: 'x' };
  return program(argv, { env });
}

test('amber captures lists both captures as whole, names the flood, and reads a bounded part of it', async (t) => {
  const began = Date.now();
  const { code, out, err } = await run('captures');
  t.diagnostic(`${lists} lists, ${told} keys, ${Date.now() - began} ms`);
  equal(out.match(/ whole /gu)?.length, 2, out + err);
  equal(code, 0, out + err);
  match(err, /^NOT FOLLOWED: .*aa\/: more than 10000 other objects lie in it, so folders below it are not followed$/mu);
  ok(lists < 200, `${lists} lists`);
  ok(told < 50_000, `${told} of ${keys.length} keys`);
});
