/** What `amber decrypt` says where age files are not those that manifest.json names, or are not there. */
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync, renameSync, statSync, unlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, describe, test } from 'node:test';
import { openIdentity } from '../../src/seal/age-open.ts';
import { freshFolder, makeCapture, type MadeCapture } from '../case/captures.ts';
import { IDENTITY } from '../case/checking.ts';
import { program } from './program.ts';

let key = '';
before(() => {
  key = join(freshFolder(), 'key.txt');
  writeFileSync(key, IDENTITY);
});

const sealed = (): Promise<MadeCapture> =>
  makeCapture({ apart: true, recipient: openIdentity(IDENTITY).recipients[0]! });

async function decrypt(
  folder: string,
): Promise<{ code: number; err: string; problems: readonly string[]; to: string }> {
  const to = join(freshFolder(), 'opened');
  const { code, out, err } = await program(['decrypt', folder, '-i', key, '--to', to, '--json']);
  assert.notEqual(out, '', err);
  return { code, err, to, ...(JSON.parse(out) as { problems: string[] }) };
}

describe('decrypt', () => {
  test('joins no segments that changed places: each is written apart, and both are told', async () => {
    const made = await sealed();
    const [one, two] = [made.segments[1]!.name, made.segments[2]!.name];
    renameSync(join(made.folder, one), join(made.folder, 'x'));
    renameSync(join(made.folder, two), join(made.folder, one));
    renameSync(join(made.folder, 'x'), join(made.folder, two));
    const { code, err, problems, to } = await decrypt(made.folder);
    assert.equal(code, 1);
    assert.ok(statSync(to).isDirectory(), 'nothing was joined');
    for (const name of [one, two]) {
      assert.ok(problems.some((text) => text.startsWith(`${name} is `) && text.includes('manifest.json says')));
      assert.match(
        err,
        new RegExp(`PROBLEM: ${name.replaceAll('.', '\\.')} is [0-9a-f]{64}, manifest\\.json says`, 'u'),
      );
    }
    assert.equal(readdirSync(to).length, made.segments.length);
  });

  test('says which segment is not there, and that the others were not joined for it', async () => {
    for (const marker of [true, false]) {
      const made = await sealed();
      unlinkSync(join(made.folder, made.segments[1]!.name));
      if (!marker) unlinkSync(join(made.folder, 'manifest.json'));
      const { code, err, problems } = await decrypt(made.folder);
      assert.equal(code, 1);
      assert.match(problems.join('\n'), /^1 segment is not there: number 1, so the segments were not joined/u);
      assert.match(err, /PROBLEM: 1 segment is not there: number 1/u);
    }
  });

  test('says of the only segment that it is another one', async () => {
    const options = { apart: true, recipient: openIdentity(IDENTITY).recipients[0]!, entries: [] } as const;
    const [made, other] = [await makeCapture(options), await makeCapture(options)];
    assert.equal(made.segments.length, 1);
    const { name } = made.segments[0]!;
    writeFileSync(join(made.folder, name), readFileSync(join(other.folder, name)));
    const { code, problems, to } = await decrypt(made.folder);
    assert.deepEqual([code, problems.length, existsSync(join(to, name.replace('.age', '')))], [1, 1, true]);
    assert.match(problems[0]!, /manifest\.json says/u);
  });
});
