/**
 * Every command that reads captures, on every place that it takes: a path, a file: URL, an s3: URL, as a built file.
 */
import assert from 'node:assert/strict';
import { globSync, mkdirSync, readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { EXIT } from '../../src/cli/amber.ts';
import { openIdentity } from '../../src/seal/age-open.ts';
import { freshFolder, makeCapture, type MadeCapture } from '../case/captures.ts';
import { IDENTITY } from '../case/checking.ts';
import { fauxqs, type Fauxqs } from '../servers/fauxqs.ts';
import { NODE_22, program, type Ran } from './program.ts';

const KEYS = { AWS_ACCESS_KEY_ID: 'test', AWS_SECRET_ACCESS_KEY: 'test' };
const BUCKET = 'evidence';
let server: Fauxqs;
let client: S3Client;
before(async () => {
  server = await fauxqs();
  server.createBucket(BUCKET);
  client = new S3Client({
    endpoint: server.endpoint,
    forcePathStyle: true,
    region: 'us-east-1',
    credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
  });
});
after(async () => {
  client.destroy();
  await server.stop();
});

/** Puts a folder into the bucket; a prefix for each test. */
async function uploaded(base: string, prefix: string): Promise<string> {
  for (const path of globSync(`${base}/**/*`).filter((name) => statSync(name).isFile())) {
    await client.send(
      new PutObjectCommand({ Bucket: BUCKET, Key: `${prefix}/${relative(base, path)}`, Body: readFileSync(path) }),
    );
  }
  return `s3://${BUCKET}/${prefix}`;
}

interface Places {
  readonly made: MadeCapture;
  readonly log: string;
  readonly key: string;
  /** The same capture at each: what is typed, and the options that go with it. */
  readonly at: readonly (readonly [location: string, options: readonly string[]])[];
}

async function places(prefix: string, recipient: boolean): Promise<Places> {
  const base = freshFolder();
  const made = await makeCapture({
    apart: true,
    into: base,
    ...(recipient ? { recipient: openIdentity(IDENTITY).recipients[0]! } : {}),
  });
  const [log, key] = [join(freshFolder(), 'function.log'), join(freshFolder(), 'key.txt')];
  writeFileSync(log, made.log);
  writeFileSync(key, IDENTITY);
  const bucket = await uploaded(base, prefix);
  const s3 = ['--endpoint', server.endpoint, '--path-style', '--region', 'us-east-1'];
  return {
    made,
    log,
    key,
    at: [
      [base, []],
      [pathToFileURL(base).href, []],
      [bucket, s3],
      [`${bucket}/`, s3],
    ],
  };
}

async function amber(
  argv: readonly string[],
  options: { env?: NodeJS.ProcessEnv; cwd?: string; node?: string } = {},
): Promise<Ran> {
  return program(argv, { ...options, env: { ...KEYS, ...options.env } });
}

/** What was said, without where: it is the same for every place. */
function bare(text: string): string {
  return text
    .replaceAll(/(?:s3:\/\/|\/)[^\s",;]*/gu, 'PLACE')
    .replaceAll(/ {2,}/gu, ' ')
    .replaceAll(/"elapsedMs": ?\d+/gu, '');
}

const COMMANDS: readonly (readonly [
  name: string,
  more: (places: Places) => readonly string[],
  code: number,
  says: RegExp,
])[] = [
  ['captures', () => [], EXIT.ok, /checkout/u],
  ['verify', ({ log, key }) => ['--log', log, '-i', key], EXIT.ok, /verified/u],
  ['verify', () => ['--all'], EXIT.ok, /verified/u],
  ['show', ({ key }) => ['-i', key], EXIT.ok, /AMBER_CAPTURE is now/u],
  ['timeline', ({ key }) => ['--jsonl', '-i', key], EXIT.ok, /Capture/u],
  ['salvage', ({ key }) => ['-i', key], EXIT.ok, /note\.txt/u],
];

for (const [form, recipient] of [
  ['plain', false],
  ['for a recipient', true],
] as const) {
  describe(`a capture that is ${form}`, () => {
    for (const [index, [name, more, code, says]] of COMMANDS.entries()) {
      test(`${[name, ...more({ log: 'LOG', key: 'KEY' } as Places)].join(' ')} says the same wherever it lies`, async () => {
        const at = await places(`read-${form.replaceAll(' ', '-')}-${index}`, recipient);
        for (const json of [[], ['--json']]) {
          if (json.length > 0 && name === 'timeline') continue;
          const told = new Set<string>();
          for (const [location, options] of at.at) {
            const ran = await amber([name, location, ...options, ...more(at), ...json]);
            assert.equal(ran.code, code, `${location}: ${ran.out}${ran.err}`);
            assert.match(ran.out, says);
            told.add(bare(ran.out + ran.err));
          }
          // A bucket has versions, which verify looks at; a folder has none.
          assert.ok(told.size <= (name === 'verify' ? 2 : 1), [...told].join('\n----\n'));
        }
      });
    }

    test('pull, decrypt, salvage --to and report write the same from wherever it lies', async () => {
      const at = await places(`write-${form.replaceAll(' ', '-')}`, recipient);
      const told = new Set<string>();
      for (const [location, options] of at.at) {
        const out = freshFolder();
        const key = ['-i', at.key];
        for (const argv of [
          ['pull', location, '--to', join(out, 'pulled'), '--extract', ...key],
          ['salvage', location, '--to', join(out, 'salvaged'), ...key],
          ['report', location, '--to', join(out, 'page.html'), ...key],
        ]) {
          const ran = await amber([...argv, ...options]);
          assert.equal(ran.code, EXIT.ok, `${argv.join(' ')}: ${ran.out}${ran.err}`);
        }
        const plain = await amber(['decrypt', location, '--to', join(out, 'plain.tar.zst'), ...key, ...options]);
        assert.deepEqual(
          [plain.code, plain.err.includes('nothing to decrypt')],
          recipient ? [EXIT.ok, false] : [EXIT.usage, true],
          plain.err,
        );
        const names = globSync(`${out}/**/*`)
          .map((path) => relative(out, path))
          .sort();
        assert.ok(
          names.some((name) => name.endsWith('live_response/note.txt')),
          names.join(' '),
        );
        const verified = await amber(['verify', join(out, 'pulled'), ...key]);
        assert.equal(verified.code, EXIT.ok, verified.out + verified.err);
        told.add(names.join('\n'));
      }
      assert.equal(told.size, 1, [...told].join('\n----\n'));
    });
  });
}

describe('a single object of a capture', () => {
  test('is opened by its name, wherever it lies', async () => {
    const at = await places('single', false);
    const folder = relative(at.made.base, at.made.folder);
    for (const [location, options] of at.at) {
      const segment = await amber([
        'salvage',
        `${location.replace(/\/$/u, '')}/${folder}/${at.made.segments[0]!.name}`,
        ...options,
      ]);
      assert.match(segment.out, /live_response\/note\.txt/u, segment.err);
      const marker = await amber(['captures', `${location.replace(/\/$/u, '')}/${folder}`, ...options]);
      assert.deepEqual(
        [marker.code, marker.out.includes('checkout')],
        [EXIT.ok, true],
        `${location}: ${marker.out}${marker.err}`,
      );
    }
  });

  test('pull without --to makes a folder of the capture here', async () => {
    const at = await places('here', false);
    for (const [location, options] of at.at) {
      const cwd = freshFolder();
      const ran = await amber(['pull', location, ...options], { cwd });
      assert.equal(ran.code, EXIT.ok, ran.err);
      assert.deepEqual(readdirSync(cwd), [`capture-${at.made.manifest.captureId}`]);
    }
  });
});

describe('what cannot be reached', () => {
  test('is said in one line, with exit code 3', async () => {
    const s3 = ['--endpoint', server.endpoint, '--path-style', '--region', 'us-east-1'];
    mkdirSync(join(freshFolder(), 'x'));
    for (const name of ['captures', 'verify', 'show', 'timeline', 'salvage', 'pull', 'report']) {
      const argv = [
        name,
        's3://no-such-bucket/amber',
        ...s3,
        ...(name === 'report' ? ['--to', join(freshFolder(), 'p.html')] : []),
      ];
      const ran = await amber(argv);
      assert.equal(ran.code, EXIT.unreachable, ran.out + ran.err);
      assert.match(ran.err, /^amber: CASE_MISSING: [^\n]+ there is no bucket no-such-bucket\n$/u);
    }
  });

  test('reads on Node 22 as well', async () => {
    const at = await places('older', false);
    for (const [location, options] of at.at)
      assert.equal((await amber(['verify', location, ...options], { node: NODE_22 })).code, EXIT.ok);
  });
});
