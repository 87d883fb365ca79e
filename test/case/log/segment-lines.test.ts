/** The one line of a segment in the log: its size and state against what is stored and against manifest.json. */
import { deepEqual, doesNotMatch, equal, match } from 'node:assert/strict';
import { cpSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, describe, test } from 'node:test';
import { program, type Ran } from '../../cli/program.ts';
import { freshFolder, makeCapture, type MadeCapture } from '../captures.ts';

let made: MadeCapture;
before(async () => {
  made = await makeCapture({ apart: true });
});

/** The log with another line of segment 1. */
function logWith(change: Readonly<Record<string, unknown>>): string {
  return made.log
    .split('\n')
    .map((line) =>
      line.includes('"segment":1,') ? JSON.stringify({ ...(JSON.parse(line) as object), ...change }) : line,
    )
    .join('\n');
}

async function verified(folder: string, log: string): Promise<Ran> {
  const file = join(freshFolder(), 'function.log');
  writeFileSync(file, log);
  return program(['verify', folder, '--log', file]);
}

function copy(): string {
  const folder = join(freshFolder(), 'capture');
  cpSync(made.folder, folder, { recursive: true });
  return folder;
}

describe('a single line of a segment in the log', () => {
  test('with another size fails: against the object, and against manifest.json where that is gone', async () => {
    const bytes = made.manifest.segments[1]!.bytes;
    const log = logWith({ bytes: bytes + 7 });
    const { code, out } = await verified(made.folder, log);
    equal(code, 1, out);
    match(out, new RegExp(`^ +- segment 1 has ${bytes} bytes, the log says ${bytes + 7}$`, 'mu'));
    const folder = copy();
    rmSync(join(folder, made.manifest.segments[1]!.name));
    const gone = await verified(folder, log);
    match(
      gone.out,
      new RegExp(`^ +- segment 1 has ${bytes} bytes in manifest\\.json, the log says ${bytes + 7}$`, 'mu'),
    );
  });

  test('that calls it lost fails where manifest.json calls it stored', async () => {
    const { code, out } = await verified(made.folder, logWith({ state: 'lost' }));
    equal(code, 1, out);
    match(out, /^ +- the log says that segment 1 was lost, manifest\.json says that it was stored \(stored\)$/mu);
  });

  test('that calls it lost is told, and no failure, where nothing says otherwise: its answer was lost', async () => {
    const folder = copy();
    rmSync(join(folder, 'manifest.json'));
    const noEnd = logWith({ state: 'lost' })
      .split('\n')
      .filter((line) => !line.includes('"amber":"capture"'))
      .join('\n');
    const { out } = await verified(folder, noEnd);
    doesNotMatch(out, /FAILED/u);
    match(out, /; segment 1, which the log calls lost, is there: no answer of the destination had come$/mu);
  });

  test('that is as stored is no finding', async () => {
    const { code, out } = await verified(made.folder, made.log);
    equal(code, 0, out);
    doesNotMatch(out, /the log says/u);
  });
});

describe('to give a log is advised only where none was given', () => {
  const advice = /\(?--log FILE/u;
  for (const [what, log, told] of [
    [
      'the log says that it was stored',
      (text: string) => text,
      /there is no manifest\.json: the log says that it was stored/u,
    ],
    [
      'the log has no last line',
      (text: string) => text.replace(/^.*"amber":"capture".*$/mu, ''),
      /there is no manifest\.json: the log has no last line of the capture/u,
    ],
    [
      'the log is of another capture',
      (text: string) => text.replaceAll('000000aa', '000000cc').replaceAll(/"sha256":"[0-9a-f]/gu, '"sha256":"'),
      /there is no manifest\.json: the log that was given has no line of this capture/u,
    ],
  ] as const)
    test(`of manifest.json that is gone: ${what}`, async () => {
      const folder = copy();
      rmSync(join(folder, 'manifest.json'));
      writeFileSync(
        join(folder, 'parked.json'),
        JSON.stringify({ amber: 'parked', captureId: made.manifest.captureId, segments: [{ name: 'other' }] }),
      );
      const { out } = await verified(folder, log(made.log));
      doesNotMatch(out, advice);
      match(out, told);
      match(
        out,
        /within reach of its code: (?:unverified, for none of them is here|the log that was given has no line)/u,
      );
      const without = await program(['verify', folder]);
      deepEqual(
        [advice.test(without.out), without.out.includes('unverified without the log (--log FILE)')],
        [true, true],
      );
    });
});
