/** The probe of a wrapped function: what moves it, and what it does when its descriptors or trees go. */
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import {
  appendFileSync,
  closeSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { describe, test, type TestContext } from 'node:test';
import { openProbe, type Moved } from '../../../src/host/monitor/probe.ts';

function linkOf(fd: number): string | undefined {
  try {
    return readlinkSync(`/proc/self/fd/${String(fd)}`);
  } catch {
    return undefined;
  }
}

describe('the probe', () => {
  const probed = (t: TestContext, spawned = (): number => 0): { tree: string; probe: ReturnType<typeof openProbe> } => {
    const tree = mkdtempSync(join(tmpdir(), 'amber-probe-'));
    t.after(() => rmSync(tree, { recursive: true, force: true }));
    return { tree, probe: openProbe([tree, '/nowhere'], spawned) };
  };

  test('tells of a file that came', (t) => {
    const { tree, probe } = probed(t);
    writeFileSync(join(tree, 'a'), 'x');
    assert.notEqual(probe.moved('all'), undefined);
  });

  test('tells of blocks that were written below', (t) => {
    const { tree, probe } = probed(t);
    writeFileSync(join(tree, 'a'), 'x');
    probe.moved('all');
    appendFileSync(join(tree, 'a'), Buffer.alloc(4_000_000));
    assert.notEqual(probe.moved('all'), undefined);
  });

  test('costs nobody a descriptor that was closed or a tree that was made anew', (t) => {
    const { tree, probe } = probed(t);
    const moves = (): readonly (Moved | undefined)[] =>
      [1, 2, 3, 4].map(() => probe.moved('all')).filter((one) => one !== 'processes');
    moves();
    // Somebody closes it, and another file gets its number.
    const fd = readdirSync('/proc/self/fd')
      .map(Number)
      .find((one) => linkOf(one) === tree);
    assert.ok(fd !== undefined);
    closeSync(fd);
    const others = Array.from({ length: 4 }, () => openSync('/dev/null', 'r'));
    assert.ok(others.includes(fd));
    moves();
    assert.equal(linkOf(fd), '/dev/null', 'it was not ours to close');
    for (const other of others) closeSync(other);
    rmSync(tree, { recursive: true });
    assert.doesNotThrow(moves);
    mkdirSync(tree);
    writeFileSync(join(tree, 'a'), 'x');
    assert.ok(moves().includes('files'));
    writeFileSync(join(tree, 'b'), 'x');
    assert.ok(moves().includes('files'));
  });

  test('tells of memory that has doubled, once', () => {
    // In a process of its own: whatever the tests have used before is no matter there.
    const script = `
      const { memoryMark } = await import(${JSON.stringify(resolve('src/host/monitor/probe.ts'))});
      const moved = memoryMark();
      const before = moved();
      const held = Buffer.alloc(${String(1200 * 2 ** 20)}, 1);
      console.log(JSON.stringify([before, moved(), moved(), held.length > 0]));`;
    const { stdout } = spawnSync(
      process.execPath,
      ['--disable-warning=ExperimentalWarning', '--input-type=module', '-e', script],
      { encoding: 'utf8' },
    );
    assert.deepEqual(JSON.parse(stdout), [false, true, false, true]);
  });

  test('tells of a child that Node has started, before anything else', (t) => {
    assert.equal(probed(t, () => 1).probe.moved('all'), 'processes');
  });

  test('tells of a process that is there', async (t) => {
    const { probe } = probed(t);
    probe.moved('all');
    const child = spawn('sleep', ['100'], { stdio: 'ignore' });
    t.after(() => child.kill('SIGKILL'));
    await new Promise((resolve) => child.once('spawn', resolve));
    assert.equal(probe.moved('all'), 'processes');
  });
});
