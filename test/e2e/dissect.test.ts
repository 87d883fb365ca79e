/**
 * A capture is a target of dissect without any step between: the tarball's `[root]/` tree is loaded as a Linux system.
 */
import assert from 'node:assert/strict';
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { after, describe, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { runCapture } from '../../src/capture/capture.ts';
import { resolveConfig } from '../../src/config/config.ts';
import { missing, requirePeer } from '../peers.ts';

const query = resolve('test/peers/venv/bin/target-query');
/** Found in one file of the capture, and in no program. */
const MARK = 'amber-dissect-mark-31415926';
const home = mkdtempSync(join(tmpdir(), 'amber-dissect-'));
after(() => {
  rmSync(home, { recursive: true, force: true });
});

describe('dissect.target', () => {
  test('reads processes, environments and connections from a capture', { timeout: 120_000 }, async (t) => {
    if (!existsSync(query)) return void missing(t, 'dissect.target in test/peers/venv (see .ci/run)');
    if (!requirePeer(t, 'zstd', 'sleep')) return;
    const listener = createServer();
    await new Promise<void>((done) => listener.listen(0, '127.0.0.1', done));
    const { port } = listener.address() as { port: number };
    const child = spawn('sleep', ['31.4159'], { env: { HELLO_FROM: 'the-sleeper' }, stdio: 'ignore' });
    await once(child, 'spawn');
    const tmp = join(home, 'tmp');
    mkdirSync(join(tmp, 'deep/er'), { recursive: true });
    writeFileSync(join(tmp, 'deep/er/stage2.sh'), `#!/bin/sh\n# ${MARK}\n`);
    writeFileSync(join(tmp, 'top'), 'x');
    const config = resolveConfig(
      {
        destination: pathToFileURL(home).href,
        writable: [tmp],
        code: [tmp],
        collect: ['-runtime', '-systeminformation'],
      },
      {},
    );
    const report = await runCapture({
      cause: { trigger: 'call', reason: 'test' },
      config,
      invocation: undefined,
      inProcess: true,
      hardStopMs: Date.now() + 30_000,
    });
    child.kill('SIGKILL');
    listener.close();
    assert.equal(report.state, 'whole', report.error?.message);

    // The loader of dissect knows tar, tar.gz and the like by name, zstd not: the responder decompresses.
    const tarball = join(home, 'capture.tar');
    execFileSync('zstd', ['-dq', join(report.location, 'capture.tar.zst'), '-o', `${tarball}.part`]);
    renameSync(`${tarball}.part`, tarball);
    const ask = (what: string): string =>
      execFileSync(query, ['-q', '-s', '-f', what, tarball], {
        encoding: 'utf8',
        maxBuffer: 1 << 28,
        stdio: ['ignore', 'pipe', 'pipe'],
      });
    const finds = (plugin: string, pattern: RegExp): void => {
      const lines = ask(plugin).split('\n');
      assert.ok(
        lines.some((line) => pattern.test(line)),
        `${plugin} gave ${lines.length} records, none like ${pattern}`,
      );
    };
    finds('processes', new RegExp(`name='sleep' .*pid=${child.pid} `, 'u'));
    finds('environ', /HELLO_FROM.*the-sleeper/u);
    finds('netstat', new RegExp(`\\b${port}\\b.*LISTEN|LISTEN.*\\b${port}\\b`, 'u'));

    await t.test('and files below /tmp: their bytes, their place in the tree, and what YARA finds in them', () => {
      const bin = resolve('test/peers/venv/bin');
      const path = join(tmp, 'deep/er/stage2.sh');
      const read = execFileSync(join(bin, 'target-fs'), ['-q', tarball, 'cat', path], {
        encoding: 'utf8',
        stdio: ['ignore', 'pipe', 'pipe'],
      });
      assert.ok(read.includes(MARK), `target-fs cat gave ${JSON.stringify(read)}`);
      const walked = execFileSync(query, ['-q', '-s', '-f', 'walkfs', tarball], {
        encoding: 'utf8',
        maxBuffer: 1 << 28,
        stdio: ['ignore', 'pipe', 'pipe'],
      });
      for (const name of ['deep/er/stage2.sh', 'deep/er', 'deep', 'top'])
        assert.ok(walked.includes(join(tmp, name)), `walkfs lacks ${name}`);
      const rules = join(home, 'rules.yar');
      writeFileSync(rules, `rule stage2 { strings: $mark = "${MARK}" condition: $mark }\n`);
      if (spawnSync(join(bin, 'python3'), ['-c', 'import yara']).status !== 0)
        return void missing(t, 'yara-python in test/peers/venv (see .ci/run)');
      const matched = execFileSync(query, ['-q', '-s', '-f', 'yara', `--rules=${rules}`, `--path=${tmp}`, tarball], {
        encoding: 'utf8',
        maxBuffer: 1 << 28,
        stdio: ['ignore', 'pipe', 'pipe'],
      });
      assert.ok(
        matched.split('\n').some((line) => line.includes('stage2') && line.includes(path)),
        matched,
      );
    });
  });
});
