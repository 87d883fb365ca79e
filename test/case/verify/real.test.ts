/** Captures of this very machine, made by the recipe in a process of its own, read back with the command. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, symlinkSync, unlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { openIdentity } from '../../../src/seal/age-open.ts';
import { freshFolder, noise } from '../captures.ts';
import { IDENTITY } from '../checking.ts';

const source = join(import.meta.dirname, '../../../src');
const SCRIPT = `
import { runCapture } from ${JSON.stringify(join(source, 'capture/capture.ts'))};
import { resolveConfig } from ${JSON.stringify(join(source, 'config/config.ts'))};
const config = resolveConfig(JSON.parse(process.argv[1]), {});
await runCapture({ cause: { trigger: 'call', reason: 'a test' }, config, invocation: undefined, hardStopMs: Date.now() + 25_000, inProcess: true });
`;

interface Made {
  readonly folder: string;
  readonly log: string;
}

/** A tree with what an attacker leaves. */
function attacked(): string {
  const tree = join(freshFolder(), 'tmp');
  mkdirSync(join(tree, 'deep/er'), { recursive: true });
  writeFileSync(join(tree, 'payload'), noise(300_000, 1), { mode: 0o755 });
  writeFileSync(
    Buffer.concat([Buffer.from(`${tree}/deep/`), Buffer.from('\xff\u001b[31m\n', 'latin1')]),
    'hostile name',
  );
  for (let index = 0; index < 50; index += 1)
    writeFileSync(join(tree, 'deep/er', `file-${index}`), noise(index * 100, index));
  symlinkSync('/etc/passwd', join(tree, 'link'));
  return tree;
}

function capture(options: object): Made {
  const base = freshFolder();
  const given = {
    destination: pathToFileURL(base).href,
    writable: [attacked()],
    collect: ['-runtime', '-systeminformation', '-code'],
    segmentBytes: '256KiB',
    ...options,
  };
  const ran = spawnSync(process.execPath, ['--input-type=module', '-e', SCRIPT, JSON.stringify(given)], {
    encoding: 'utf8',
    maxBuffer: 1 << 28,
  });
  assert.equal(ran.status, 0, ran.stderr);
  const log = join(freshFolder(), 'function.log');
  writeFileSync(log, ran.stdout);
  return { folder: base, log };
}

function amber(...argv: readonly string[]): { status: number | null; stdout: string; stderr: string } {
  return spawnSync(process.execPath, [join(source, 'cli/amber.ts'), ...argv], { encoding: 'utf8', maxBuffer: 1 << 28 });
}

describe('a capture of this machine', () => {
  for (const compression of ['zstd', 'gzip', 'none']) {
    test(`verifies against its own log, is shown and salvaged: ${compression}`, () => {
      const { folder, log } = capture({ compression });
      const verified = amber('verify', folder, '--log', log);
      assert.equal(verified.status, 0, verified.stdout + verified.stderr);
      assert.match(
        verified.stdout,
        /^ok +digests in the log: \d+ segments have the digest that the log holds, and so has manifest\.json$/mu,
      );
      const shown = amber('show', folder, '--lines', '500');
      assert.equal(shown.status, 0, shown.stderr);
      assert.match(
        shown.stdout,
        new RegExp(`^ *(?:[│├└─ ]*)${process.pid} uid `, 'mu'),
        'the process of this test is in the tree',
      );
      assert.match(shown.stdout, /^ +100755 +300000 .*\/payload$/mu);
      const told = amber('timeline', folder, '--source', 'capture,processes,files');
      assert.equal(told.status, 0, told.stderr);
      assert.match(told.stdout, new RegExp(`Z {2}processes {6}Process ${process.pid} started: `, 'u'));
      assert.match(
        told.stdout
          .split('\n')
          .filter((line) => line.includes('/payload '))
          .join('\n'),
        /Z {2}files {10}.*Content Modification Time.*: \S+\/payload \(regular file, 300000 bytes\)$/mu,
      );
      assert.equal(
        told.stdout.match(/Z {2}capture .* (?:started by call: a test|ended: whole, \d+ items)$/gmu)?.length,
        2,
      );
      assert.match(shown.stdout, /\/deep\/\\xff\\x1b\[31m\\x0a$|\/deep\/\\xff\\x1b\[31m\\n$/mu);
      const salvaged = amber('salvage', folder, '--json');
      const { states, inventory } = JSON.parse(salvaged.stdout) as {
        states: Record<string, number>;
        inventory: { listed: number; unseen: number };
      };
      assert.deepEqual(Object.keys(states), ['whole']);
      assert.ok(inventory.listed > 50);
      assert.equal(inventory.unseen, 0, 'every path of the inventory is found again under the same name');
    });
  }

  test('is opened with its identity, and salvaged when a segment is missing', () => {
    const { folder, log } = capture({ recipient: openIdentity(IDENTITY).recipients[0]! });
    const key = join(freshFolder(), 'key.txt');
    writeFileSync(key, IDENTITY);
    const verified = amber('verify', folder, '--log', log, '--identity', key);
    assert.equal(verified.status, 0, verified.stdout + verified.stderr);
    const name = readdirSync(folder, { recursive: true, encoding: 'utf8' }).find((path) =>
      path.endsWith('capture-0001.tar.zst.age'),
    )!;
    unlinkSync(join(folder, name));
    unlinkSync(join(folder, dirname(name), 'manifest.json'));
    assert.equal(amber('verify', folder, '--identity', key, '--log', log).status, 1);
    const salvaged = amber('salvage', folder, '--identity', key, '--json');
    const { states, missing } = JSON.parse(salvaged.stdout) as { states: Record<string, number>; missing: number[] };
    assert.deepEqual(missing, [1]);
    assert.deepEqual([states['unlisted'], states['differs']], [undefined, undefined]);
    assert.ok((states['whole'] ?? 0) > 5);
  });
});
