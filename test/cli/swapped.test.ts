/** Two segments of a capture that were swapped, of different sizes: what is said of them is so. */
import { doesNotMatch, equal, match } from 'node:assert/strict';
import { renameSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { makeCapture } from '../case/captures.ts';
import { program } from './program.ts';

test('captures and show call it not as committed, and every reader exits with 1', async () => {
  const { base, folder, manifest } = await makeCapture({ apart: true });
  const [one, other] = [manifest.segments[1]!, manifest.segments[2]!];
  renameSync(join(folder, one.name), join(folder, 'x'));
  renameSync(join(folder, other.name), join(folder, one.name));
  renameSync(join(folder, 'x'), join(folder, other.name));
  for (const command of ['captures', 'show', 'timeline']) {
    const { code, out, err } = await program([command, base]);
    equal(code, 1, `${command}: ${out}${err}`);
    for (const [{ name, bytes }, said] of [
      [one, other.bytes],
      [other, one.bytes],
    ] as const)
      match(err, new RegExp(`PROBLEM: .*${name} has ${said} bytes, manifest\\.json says ${bytes}`, 'u'), command);
    if (command !== 'timeline') match(out, /not as committed/u);
    if (command === 'show') doesNotMatch(out, /^state +whole/mu);
  }
  const { out } = await program(['salvage', base]);
  doesNotMatch(out, /of another capture/u);
  match(out, /manifest\/0002\.jsonl {2}\(the manifest part of segment 2, in another segment\)/u);
});
