/** What the commands say where segments of a capture were removed or emptied. */
import { equal, match, doesNotMatch, deepEqual } from 'node:assert/strict';
import { readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, describe, test } from 'node:test';
import { makeCapture, type MadeCapture } from '../case/captures.ts';
import { copyOf } from '../case/checking.ts';
import { program } from './program.ts';

const DAMAGE: Readonly<Record<string, (path: string) => void>> = {
  deleted: (path) => rmSync(path),
  emptied: (path) => writeFileSync(path, ''),
};

describe('a segment of a bucket that is not there any more', () => {
  let capture: MadeCapture;
  let last: number;
  before(async () => {
    capture = await makeCapture({ apart: true });
    last = capture.segments.length - 1;
  });

  for (const [what, damage] of Object.entries(DAMAGE)) {
    for (const which of ['first', 'middle', 'last'] as const) {
      test(`${which} ${what}: every command says so and exits with 1`, async () => {
        const number = which === 'first' ? 0 : which === 'middle' ? Math.floor(last / 2) : last;
        const folder = copyOf(capture);
        damage(join(folder, capture.manifest.segments[number]!.name));
        for (const command of ['show', 'timeline', 'captures']) {
          const { code, out, err } = await program([command, folder]);
          equal(code, 1, `${command}: ${out}${err}`);
          match(
            err,
            which === 'last' && command !== 'captures'
              ? /PROBLEM: .*no end/u
              : new RegExp(`PROBLEM: .*(?:segment|number) ${number}`, 'u'),
          );
          if (command !== 'timeline') match(out, new RegExp(`in ${last} of ${last + 1}`, 'u'), command);
          if (command === 'captures') doesNotMatch(out, / whole /u);
        }
        const salvage = await program(['salvage', folder]);
        equal(salvage.code, 1);
        match(salvage.out, new RegExp(`1 segment is not there: number ${number}$`, 'mu'));
        const { missing, holes } = JSON.parse((await program(['salvage', folder, '--json'])).out) as {
          missing: number[];
          holes: { segment: number }[];
        };
        deepEqual(missing, [number]);
        deepEqual(
          holes.map(({ segment }) => segment),
          what === 'emptied' ? [number] : [],
        );
        const verify = await program(['verify', folder]);
        equal(verify.code, 1);
        match(verify.out, new RegExp(`segment ${number} was stored and is not there`, 'u'));
      });
    }
  }

  test('without manifest.json an emptied last segment is a hole as well', async () => {
    const folder = copyOf(capture);
    rmSync(join(folder, 'manifest.json'));
    writeFileSync(join(folder, capture.manifest.segments[last]!.name), '');
    const { code, out } = await program(['salvage', folder, '--json']);
    equal(code, 1);
    deepEqual(
      (JSON.parse(out) as { holes: { segment: number }[] }).holes.map(({ segment }) => segment),
      [last],
    );
  });

  test('an intact capture is told as whole, and exits with 0', async () => {
    for (const command of ['show', 'timeline', 'captures', 'salvage', 'verify'])
      equal((await program([command, capture.folder])).code, 0, command);
  });
});

describe('an empty file with the name of a segment beside an intact joined file', () => {
  for (const marker of [true, false]) {
    test(`${marker ? 'with' : 'without'} manifest.json: the joined file is read, the empty one is one finding`, async () => {
      const capture = await makeCapture();
      const folder = copyOf(capture);
      if (!marker) rmSync(join(folder, 'manifest.json'));
      const plain = copyOf(capture);
      if (!marker) rmSync(join(plain, 'manifest.json'));
      writeFileSync(join(folder, 'capture-0000.tar.zst'), '');
      const verify = await program(['verify', folder, '--json']);
      const { checks } = JSON.parse(verify.out) as { checks: { state: string; findings: string[] }[] };
      deepEqual(
        checks.flatMap(({ findings }) => findings).filter((text) => !text.includes('SHA256SUMS')),
        ['"capture-0000.tar.zst" is empty: Amber writes no empty segment'],
      );
      const entries = (out: string): unknown => (JSON.parse(out) as { states: unknown }).states;
      const salvage = await program(['salvage', folder, '--json']);
      deepEqual(entries(salvage.out), entries((await program(['salvage', plain, '--json'])).out));
      equal(salvage.code, 0, salvage.out.slice(-500));
      const shown = await program(['show', folder]);
      deepEqual([shown.code, shown.err.includes('capture-0000.tar.zst is empty')], [1, true], shown.err);
    });
  }

  test('every segment emptied: nothing is read, and every command exits with 1', async () => {
    const capture = await makeCapture({ apart: true });
    const folder = copyOf(capture);
    for (const name of readdirSync(folder)) if (name.startsWith('capture-')) writeFileSync(join(folder, name), '');
    for (const command of ['show', 'timeline', 'captures', 'salvage', 'verify'])
      equal((await program([command, folder])).code, 1, command);
  });
});
