/** Two forms of a capture without manifest.json: the digests in the log decide which is the evidence. */
import { deepEqual, equal, match } from 'node:assert/strict';
import { copyFileSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, describe, test } from 'node:test';
import { bytesEntry, CAPTURE_ID, freshFolder, makeCapture, noise, type MadeCapture } from '../case/captures.ts';
import { program } from './program.ts';

const JOINED = 'capture.tar.zst';

let ours: MadeCapture;
let joined: Buffer;
/** The same capture in segments, and another one of the same id that looks as good and is larger. */
let apart: MadeCapture;
let forged: MadeCapture;
let forgedJoined: Buffer;
before(async () => {
  [ours, apart] = await Promise.all([makeCapture(), makeCapture({ apart: true })]);
  const entries = [bytesEntry('capture.json', '{}'), bytesEntry('[root]/tmp/harmless', noise(5_000_000, 5))];
  forged = await makeCapture({ entries, apart: true });
  joined = readFileSync(join(ours.folder, JOINED));
  forgedJoined = readFileSync(join((await makeCapture({ entries })).folder, JOINED));
});

/** A folder with the name of the capture, without manifest.json. */
function placed(made: MadeCapture): string {
  const folder = join(freshFolder(), `capture=${CAPTURE_ID}`);
  renameSync(made.folder, folder);
  for (const name of ['manifest.json', 'SHA256SUMS']) rmSync(join(folder, name), { force: true });
  return folder;
}

interface Told {
  readonly segments: number;
  readonly checks: readonly { readonly name: string; readonly findings: readonly string[] }[];
}

async function told(folder: string, log: string): Promise<{ code: number; segments: number; findings: string }> {
  const file = join(freshFolder(), 'function.log');
  writeFileSync(file, log);
  const { code, out } = await program(['verify', folder, '--log', file, '--json']);
  const { segments, checks } = JSON.parse(out) as Told;
  return { code, segments, findings: checks.flatMap(({ findings }) => findings).join('\n') };
}

/** Without the last line: the function was ended before it, and so was manifest.json. */
const cut = (log: string): string => log.replace(/^.*"amber":"capture".*$/mu, '');

describe('without manifest.json, with a log', () => {
  test('segments of the log win over a larger joined file', async () => {
    const folder = placed(apart);
    writeFileSync(join(folder, JOINED), forgedJoined);
    const { code, segments, findings } = await told(folder, cut(apart.log));
    deepEqual([code, segments], [1, apart.segments.length], findings);
    equal(
      findings,
      `"${JOINED}" does not belong: the digests in the log are those of other objects, the first is capture-0000.tar.zst`,
    );
  });

  for (const [what, log] of [
    ['with the digest of the whole', (text: string) => text.replace(/,"manifest":"[^"]*"/u, '')],
    ['that begins with the segments of the log', cut],
  ] as const)
    test(`a joined file ${what} wins over larger segments`, async () => {
      const folder = join(freshFolder(), `capture=${CAPTURE_ID}`);
      renameSync((await makeCapture({ apart: true, entries: [bytesEntry('a', 'b')] })).folder, folder);
      rmSync(join(folder, 'manifest.json'));
      for (const { name } of forged.manifest.segments) copyFileSync(join(forged.folder, name), join(folder, name));
      writeFileSync(join(folder, JOINED), joined);
      const { segments, findings } = await told(folder, log(ours.log));
      equal(segments, 1, findings);
      for (const { name } of forged.manifest.segments.slice(0, 10))
        match(findings, new RegExp(`"${name}" does not belong: the digests in the log are those of ${JOINED}`, 'u'));
    });

  test('a copy of the segments as a joined file does not belong', async () => {
    const again = await makeCapture({ apart: true });
    const folder = placed(again);
    writeFileSync(join(folder, JOINED), joined);
    const { segments, findings } = await told(folder, cut(again.log));
    equal(segments, again.segments.length, findings);
    match(findings, /^"capture\.tar\.zst" does not belong: the digests in the log/mu);
  });

  test('the page of the report shows the one of the log', async () => {
    const again = await makeCapture({ apart: true });
    const folder = placed(again);
    writeFileSync(join(folder, JOINED), forgedJoined);
    const log = join(freshFolder(), 'function.log');
    writeFileSync(log, cut(again.log));
    const page = join(freshFolder(), 'page.html');
    await program(['report', folder, '--log', log, '--to', page]);
    match(readFileSync(page, 'utf8'), /\b28: \d+ collected/u);
  });
});
