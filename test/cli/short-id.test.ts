/** A capture by the beginning of its id, as git names commits. */
import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, test } from 'node:test';
import { PutObjectCommand } from '@aws-sdk/client-s3';
import { openIdentity } from '../../src/seal/age-open.ts';
import { freshFolder, makeCapture } from '../case/captures.ts';
import { IDENTITY } from '../case/checking.ts';
import { fauxqs } from '../servers/fauxqs.ts';
import { owner } from '../ship/s3-opened.ts';
import { builtAmber, type BuiltAmber } from './command-built.ts';

const IDS = [
  '0197c0de-0000-7000-8000-0000000000aa',
  '0197c0de-1000-7000-8000-0000000000bb',
  '0198ffff-0000-7000-8000-0000000000cc',
] as const;

const RECIPIENT = openIdentity(IDENTITY).recipients[0]!;

let amber: BuiltAmber;
let base = '';
before(async () => {
  amber = builtAmber();
  base = freshFolder();
  for (const captureId of IDS) {
    const { folder } = await makeCapture({ captureId, apart: true });
    mkdirSync(join(base, 'function=checkout'), { recursive: true });
    renameSync(folder, join(base, 'function=checkout', `capture=${captureId}`));
  }
});

test('every command that takes a capture takes it, in each way to write it', async () => {
  const to = (name: string): string => join(freshFolder(), name);
  for (const command of [
    ['verify'],
    ['show'],
    ['salvage', '-q'],
    ['pull', '--to', to('pulled')],
    ['timeline'],
    ['report', '--to', to('x.html')],
  ]) {
    const { code, err, out } = await amber([...command, base, '0198']);
    assert.equal(code, 0, `${command.join(' ')}: ${out}${err}`);
  }
  const env = { AMBER_DESTINATION: base };
  for (const argv of [
    [`${base}/0198`],
    [base, '0198FFFF'],
    [base, '0198ffff0000'],
    [base, IDS[2]],
    [`${base}/`, '0197c0de-1'],
  ]) {
    const { code, err, out } = await amber(['verify', ...argv]);
    assert.deepEqual(
      [code, out.includes(argv.at(-1)?.startsWith('0197') === true ? IDS[1] : IDS[2])],
      [0, true],
      `${argv.join(' ')}: ${err}`,
    );
  }
  assert.match((await amber(['verify', '0198'], { env })).out, new RegExp(IDS[2], 'u'));
});

test('one that fits several, or none, is an error that names them', async () => {
  const several = await amber(['show', base, '0197']);
  assert.deepEqual([several.code, several.out], [2, '']);
  assert.match(
    several.err,
    new RegExp(
      `^amber: USAGE: The id 0197 is of several captures .*; expected one of .*${IDS[0]}.*${IDS[1]}.*; for example ${base}/`,
      'u',
    ),
  );
  assert.match((await amber(['show', base, '0199'])).err, /no capture in .* whose id begins with 0199/u);
  assert.equal((await amber(['show', base, 'zz'])).code, 2);
  assert.equal((await amber(['show', base, '019'])).code, 2);
});

test('captures tells the shortest that is of one capture', async () => {
  const { out } = await amber(['captures', base]);
  for (const id of ['0197c0de-0', '0197c0de-1', '0198ffff']) assert.match(out, new RegExp(`  ${id}$`, 'mu'));
});

test('a folder with the id of another capture is told by each command, and by its id alone is not chosen', async () => {
  const place = freshFolder();
  const wrong = '0199aaaa-0000-7000-8000-0000000000dd';
  const { folder } = await makeCapture({ captureId: IDS[0], apart: true, recipient: RECIPIENT });
  renameSync(folder, join(place, `capture=${wrong}`));
  const key = join(freshFolder(), 'key.txt');
  writeFileSync(key, IDENTITY);
  const to = (): string => join(freshFolder(), 'x');
  for (const command of [
    ['verify'],
    ['show'],
    ['salvage'],
    ['timeline'],
    ['pull', '--to', to()],
    ['decrypt', '--to', to()],
  ]) {
    const { code, err, out } = await amber([...command, place, '0199aaaa', '-i', key]);
    assert.equal(code, 1, `${command.join(' ')}: ${out}${err}`);
    assert.match(
      `${out}${err}`,
      new RegExp(`folder is that of capture ${wrong}, manifest\\.json is of ${IDS[0]}`, 'u'),
    );
  }
  const page = to();
  assert.equal((await amber(['report', place, '0199aaaa', '-i', key, '--to', page])).code, 1);
  assert.match(readFileSync(page, 'utf8'), new RegExp(`folder is that of capture ${wrong}`, 'u'));
  // The capture that was asked for lies in another folder.
  const other = await makeCapture({ captureId: wrong, apart: true });
  renameSync(other.folder, join(place, 'capture=0199bbbb-0000-7000-8000-0000000000ee'));
  const both = await amber(['show', place, '0199aaaa']);
  assert.deepEqual([both.code, both.out], [2, '']);
  assert.match(both.err, /in the name of one folder and in manifest\.json of another .*0199aaaa.*0199bbbb/u);
  // Without manifest.json its contents tell.
  rmSync(join(place, `capture=${wrong}`, 'manifest.json'));
  for (const command of ['verify', 'show'])
    assert.match(
      Object.values(await amber([command, join(place, `capture=${wrong}`), '-i', key])).join('\n'),
      new RegExp(`(?:the folder is that of capture ${wrong}|the folder of ${wrong})`, 'u'),
      command,
    );
});

test('in a bucket as well', async () => {
  const server = await fauxqs();
  const client = owner(server.endpoint, { accessKeyId: 'test', secretAccessKey: 'test' });
  try {
    server.createBucket('evidence');
    for (const id of IDS) {
      const folder = join(base, 'function=checkout', `capture=${id}`);
      for (const name of readdirSync(folder))
        await client.send(
          new PutObjectCommand({
            Bucket: 'evidence',
            Key: `amber/function=checkout/capture=${id}/${name}`,
            Body: readFileSync(join(folder, name)),
          }),
        );
    }
    const at = ['--endpoint', server.endpoint, '--path-style', '--region', 'us-east-1'];
    const env = { AWS_ACCESS_KEY_ID: 'test', AWS_SECRET_ACCESS_KEY: 'test' };
    for (const argv of [['s3://evidence/amber', '0198'], ['s3://evidence/amber/0198ffff'], ['s3://evidence', IDS[2]]]) {
      const { code, out, err } = await amber(['verify', ...argv, ...at], { env });
      assert.deepEqual([code, out.includes(IDS[2])], [0, true], `${argv.join(' ')}: ${err}`);
    }
  } finally {
    client.destroy();
    await server.stop();
  }
});
