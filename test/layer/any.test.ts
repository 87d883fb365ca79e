/**
 * The Node that the `any` layers carry is npm's: the bytes in the zip that is built are those of the package, by its
 * integrity.
 */
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { globSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { entries, unpackedLayer } from './unpacked.ts';

interface Lock {
  readonly packages: Readonly<Record<string, { readonly version?: string } | undefined>>;
}

interface Bill {
  readonly components: readonly {
    readonly name: string;
    readonly version: string;
    readonly hashes?: readonly { readonly alg: string; readonly content: string }[];
  }[];
}

const homes: string[] = [];
after(() => {
  for (const home of homes) rmSync(home, { recursive: true });
});

/** What is mapped when the program starts: type, offset, size and bytes of each segment (elf(5)). */
function segmentsOf(elf: Buffer): readonly string[] {
  const headers = Number(elf.readBigUInt64LE(0x20));
  return Array.from({ length: elf.readUInt16LE(0x38) }, (_, index) => {
    const at = headers + index * elf.readUInt16LE(0x36);
    const [offset, size] = [Number(elf.readBigUInt64LE(at + 0x08)), Number(elf.readBigUInt64LE(at + 0x20))];
    // The first one begins with the file's own header, whose three members about sections tell nothing to who starts
    // it.
    const bytes = Buffer.from(elf.subarray(offset, offset + size));
    if (offset === 0 && size >= 64) bytes.fill(0, 0x28, 0x30).fill(0, 0x3a, 0x40);
    assert.equal(bytes.length, size, 'a segment that is cut');
    return `${elf.readUInt32LE(at)} ${offset} ${size} ${createHash('sha256').update(bytes).digest('hex')}`;
  });
}

describe('the Node of the any layers', () => {
  for (const architecture of ['x64', 'arm64'] as const) {
    test(`${architecture}: is the one of the npm package`, async () => {
      const { home, built } = await unpackedLayer(`any-${architecture}`);
      homes.push(home);
      const { packages } = JSON.parse(readFileSync('package-lock.json', 'utf8')) as Lock;
      const version = packages['node_modules/node']?.version ?? '';
      const name = `node-linux-${architecture}`;
      const [tarball] = globSync(`node_modules/.cache/${name}-${version}/*.tgz`);
      assert.ok(tarball !== undefined, `npm's package of ${name} ${version}`);

      // The bill beside the zip names the package by the digest that npm publishes; the file that was used has it.
      const bill = JSON.parse(readFileSync(built.materials, 'utf8')) as Bill;
      const component = bill.components.find((one) => one.name === name);
      const digest = createHash('sha512').update(readFileSync(tarball)).digest('hex');
      assert.deepEqual([component?.version, component?.hashes], [version, [{ alg: 'SHA-512', content: digest }]]);

      const folder = join(home, 'package');
      mkdirSync(folder);
      execFileSync('tar', ['-xzf', tarball, '-C', folder, '--strip-components=1']);
      const original = readFileSync(join(folder, 'bin/node'));
      const carried = entries(readFileSync(built.file));
      const node = carried.find(({ path }) => path === 'amber/node')?.bytes ?? Buffer.alloc(0);
      assert.ok(node.length > 50_000_000, `${node.length} bytes`);
      assert.deepEqual(segmentsOf(node), segmentsOf(original));
      // Nothing is in it beside the package's own bytes: only the members about sections of the header differ.
      const differing = [...Array(64).keys()].filter((at) => node[at] !== original[at]);
      assert.ok(
        differing.every((at) => (at >= 0x28 && at < 0x30) || (at >= 0x3c && at < 0x40)),
        `header bytes ${differing.join(' ')}`,
      );
      assert.ok(node.subarray(64).equals(original.subarray(64, node.length)));
      assert.ok(
        carried.find(({ path }) => path === 'amber/node.LICENSE')?.bytes.equals(readFileSync(join(folder, 'LICENSE'))),
      );
      if (process.arch === architecture) {
        const { stdout } = spawnSync(join(home, 'opt/amber/node'), ['--version'], { encoding: 'utf8' });
        assert.equal(stdout.trim(), `v${version}`);
      }
    });
  }
});
