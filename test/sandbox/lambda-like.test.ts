/**
 * A capture where it has to live: a sandbox like Lambda's, with a limit on memory that kills. The least that Lambda
 * sells is 128 MB; what passes in 64 MiB leaves half of it to the handler.
 */
import assert from 'node:assert/strict';
import { existsSync, globSync, readFileSync } from 'node:fs';
import { describe, it, type TestContext } from 'node:test';
import type { CaptureReport } from '../../src/contracts/evidence.ts';
import { requirePeer, missing } from '../peers.ts';
import { fauxqs } from '../servers/fauxqs.ts';
import {
  canLimit,
  NODE_22,
  NODE_24,
  runInLambda,
  sandboxKind,
  type LambdaOptions,
  type LambdaResult,
} from './lambda-like.ts';

const LIMIT = { timeout: 120_000 };
const kind = sandboxKind();
const limits = canLimit();

/** The function: captures itself and says what came of it. */
const CAPTURES = `
import { capture } from 'lambda-amber';
const report = await capture({ maxMs: 40000 });
process.stdout.write('\\nreport ' + JSON.stringify(report) + '\\n');
`;

interface Case {
  readonly title: string;
  readonly prepareTmp: string;
  readonly tmp?: LambdaOptions['tmp'];
  readonly memoryMb: readonly number[];
  readonly node?: string;
  /** Says more of the report than that the capture is whole. */
  readonly check: (report: CaptureReport) => void;
}

const python = (code: string): string => `python3 -c '${code}'`;
const MANY = python('import os\nfor i in range(100000): os.close(os.open("f%d" % i, os.O_CREAT|os.O_WRONLY))');
const SMALL_FILES = python(
  'import os\nfor i in range(10000):\n with open("f%d" % i, "wb") as f: f.write(os.urandom(4096))',
);

// biome-ignore format: a table, a row a line
const CASES: readonly Case[] = [
  { title: '/tmp full to the last byte', memoryMb: [128, 64], prepareTmp: 'head -c 600M /dev/urandom > full 2>/dev/null || true; ! echo x > more 2>/dev/null || [ ! -s more ]',
    check: ({ bytes, outcomes }) => assert.ok(bytes > 500 * 2 ** 20 && outcomes.truncated === undefined) },
  { title: '100,000 files in tmpfs', memoryMb: [128], prepareTmp: MANY, check: ({ outcomes }) => assert.ok((outcomes.empty ?? 0) >= 100_000) },
  { title: '100,000 files in ext4', memoryMb: [128], prepareTmp: MANY, tmp: { kind: 'ext4', mb: 512 }, check: ({ outcomes }) => assert.ok((outcomes.empty ?? 0) >= 100_000) },
  { title: 'a sparse file of 10 GiB', memoryMb: [128, 64], prepareTmp: 'truncate -s 10G sparse', check: ({ outcomes }) => assert.equal(outcomes.truncated, 1) },
  { title: '10,000 files of 4 KiB', memoryMb: [128, 64], prepareTmp: SMALL_FILES, check: ({ outcomes }) => assert.ok((outcomes.collected ?? 0) >= 10_000) },
  { title: '10,000 files of 4 KiB, on Node 22', memoryMb: [128], node: NODE_22, prepareTmp: SMALL_FILES, check: ({ outcomes }) => assert.ok((outcomes.collected ?? 0) >= 10_000) },
  { title: 'directories 200 deep with names of 255 bytes', memoryMb: [128, 64], prepareTmp: python('import os\nfor i in range(200):\n os.mkdir("d"*255); os.chdir("d"*255); open("at-%d" % i, "w").write(str(i))'),
    check: ({ outcomes }) => assert.ok((outcomes.collected ?? 0) >= 400) },
];

function mustRun(t: TestContext, limited: boolean): boolean {
  if (!requirePeer(t, 'python3')) return false;
  if (kind === undefined) return missing(t, 'root with unshare(1) and setpriv(1), or bubblewrap');
  return !limited || limits || missing(t, 'root and control groups, to limit memory');
}

function reportOf({ stdout, stderr, exit, oomKilled }: LambdaResult): CaptureReport {
  const line = stdout.split('\n').find((one) => one.startsWith('report '));
  assert.ok(
    line !== undefined,
    `exit ${exit}${oomKilled ? ', killed by the memory limit' : ''}: ${stderr.slice(-2000)}`,
  );
  return JSON.parse(line.slice(7)) as CaptureReport;
}

const mib = (bytes: number): string => `${(bytes / 2 ** 20).toFixed(0)} MiB`;

describe("in a sandbox like Lambda's", () => {
  it(
    'is uid 993 without capabilities, alone in its process table, with nothing to run and /var/task read-only',
    LIMIT,
    async (t) => {
      if (!mustRun(t, false)) return;
      const run = await runInLambda({
        memoryMb: 128,
        script: `
import fs from 'node:fs';
const attempt = (what) => { try { return what(); } catch (error) { return error.code; } };
const status = fs.readFileSync('/proc/self/status', 'latin1');
console.log(JSON.stringify({
  uid: process.getuid(), gid: process.getgid(), groups: process.getgroups(), cwd: process.cwd(),
  effective: /CapEff:\\s*(\\w+)/u.exec(status)[1], privileges: /NoNewPrivs:\\s*(\\d)/u.exec(status)[1],
  processes: fs.readdirSync('/proc').filter((name) => /^\\d+$/u.test(name)).length,
  write: attempt(() => fs.writeFileSync('/var/task/x', '')), tmp: attempt(() => fs.writeFileSync('/tmp/x', 'x')),
  programs: process.env.PATH.split(':').flatMap((folder) => attempt(() => fs.readdirSync(folder))),
  tmpMb: fs.statfsSync('/tmp').blocks * fs.statfsSync('/tmp').bsize / 2 ** 20,
}));`,
      });
      run.remove();
      const seen = JSON.parse(run.stdout) as Record<string, unknown>;
      assert.deepEqual(
        { ...seen, groups: undefined },
        {
          uid: 993,
          gid: 990,
          groups: undefined,
          cwd: '/var/task',
          effective: '0000000000000000',
          privileges: '1',
          processes: 2,
          write: 'EROFS',
          programs: ['node'],
          tmpMb: 512,
        },
      );
    },
  );

  for (const { title, memoryMb, prepareTmp, tmp, node, check } of CASES) {
    for (const mb of memoryMb) {
      it(`captures within ${mb} MiB: ${title}`, LIMIT, async (t) => {
        if (!mustRun(t, true)) return;
        if (tmp?.kind === 'ext4' && !requirePeer(t, 'mkfs.ext4')) return;
        if (tmp?.kind === 'ext4' && !existsSync('/dev/loop-control')) return void missing(t, 'loop devices');
        const run = await runInLambda({
          memoryMb: mb,
          script: CAPTURES,
          prepareTmp,
          node: node ?? NODE_24,
          ...(tmp === undefined ? {} : { tmp }),
        });
        try {
          const report = reportOf(run);
          t.diagnostic(
            `${mib(run.anonymousBytes)} without page cache; ${report.elapsedMs} ms, CPU ${report.cpuMs} ms, ${mib(report.bytes)} stored`,
          );
          assert.equal(report.state, 'whole', JSON.stringify(report));
          assert.ok(!run.oomKilled && run.exit === 0);
          check(report);
          const [manifest] = globSync(`${run.evidence}/**/manifest.json`);
          assert.equal((JSON.parse(readFileSync(manifest ?? '', 'utf8')) as { state: string }).state, 'whole');
        } finally {
          run.remove();
        }
      });
    }
  }

  for (const [transport, mb] of [
    ['sdk', 128],
    ['light', 64],
  ] as const) {
    it(`captures 10,000 files of 4 KiB within ${mb} MiB to S3, by the transport ${transport}`, LIMIT, async (t) => {
      if (!mustRun(t, true)) return;
      const server = await fauxqs();
      try {
        server.createBucket('evidence');
        const run = await runInLambda({
          memoryMb: mb,
          script: CAPTURES,
          prepareTmp: SMALL_FILES,
          network: true,
          sdk: true,
          env: {
            AMBER_DESTINATION: 's3://evidence/amber',
            AMBER_S3_ENDPOINT: server.endpoint,
            AMBER_S3_PATH_STYLE: '1',
            AMBER_S3_TRANSPORT: transport,
            AMBER_S3_REGION: 'us-east-1',
            AMBER_CODE: '/opt',
          },
        });
        run.remove();
        const report = reportOf(run);
        t.diagnostic(
          `${mib(run.anonymousBytes)} without page cache; ${report.elapsedMs} ms, CPU ${report.cpuMs} ms, ${mib(report.bytes)} stored in ${report.segments} segments`,
        );
        assert.equal(report.state, 'whole', JSON.stringify(report));
        assert.ok(report.bytes > 40_000_000);
      } finally {
        await server.stop();
      }
    });
  }

  it('is killed where the limit is what it says: the sandbox means it', LIMIT, async (t) => {
    if (!mustRun(t, true)) return;
    const run = await runInLambda({
      memoryMb: 128,
      script: 'const kept = []; for (;;) kept.push(Buffer.alloc(2 ** 20, 1));',
    });
    run.remove();
    assert.ok(run.oomKilled && run.exit !== 0, JSON.stringify(run));
  });
});
