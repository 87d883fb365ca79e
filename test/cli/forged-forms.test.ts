/** Captures that somebody made over: they hold together by themselves, and what stands outside tells otherwise. */
import { doesNotMatch, equal, match } from 'node:assert/strict';
import { readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, describe, test } from 'node:test';
import { bytesEntry, freshFolder, makeCapture, standardEntries, type MadeCapture } from '../case/captures.ts';
import { copyOf } from '../case/checking.ts';
import { program, type Ran } from './program.ts';

/** The last line of the capture is not in it: the sandbox was killed before. */
function cutLog({ log }: MadeCapture): string {
  const file = join(freshFolder(), 'function.log');
  const lines = log.split('\n').filter((line) => !line.includes('"amber":"capture"'));
  writeFileSync(file, lines.join('\n'));
  return file;
}

describe('a joined file without manifest.json, held against the sizes and digests in the log', () => {
  let made: MadeCapture;
  let log = '';
  before(async () => {
    made = await makeCapture();
    log = cutLog(made);
  });
  const cut = (): string => {
    const folder = copyOf(made);
    rmSync(join(folder, 'manifest.json'));
    rmSync(join(folder, 'SHA256SUMS'), { force: true });
    return folder;
  };
  const verify = (folder: string): Promise<Ran> => program(['verify', folder, '--log', log]);

  test('as it was stored: every segment is compared', async () => {
    const { code, out } = await verify(cut());
    equal(code, 1, out);
    match(out, new RegExp(`^ok +digests in the log: ${made.segments.length} segments have the digest`, 'mu'));
    match(out, /^cut: /mu);
  });

  test('other contents that hold together: FAILED, with the segment', async () => {
    const folder = cut();
    const entries = [...standardEntries().slice(0, 1), bytesEntry('live_response/note.txt', 'harmless')];
    const forged = await makeCapture({ entries });
    writeFileSync(join(folder, 'capture.tar.zst'), readFileSync(join(forged.folder, 'capture.tar.zst')));
    const { code, out } = await verify(folder);
    equal(code, 1, out);
    match(out, /^FAILED +digests in the log\n +- segment 0 /mu);
    doesNotMatch(out, /0 segments have the digest/u);
  });

  test('its end is not there: FAILED, with the first segment that is cut', async () => {
    const folder = cut();
    const [first] = made.segments;
    truncateSync(join(folder, 'capture.tar.zst'), first!.bytes + 10);
    const { code, out } = await verify(folder);
    equal(code, 1, out);
    match(out, /- segment 1 is cut: capture\.tar\.zst ends at byte \d+, the log says that the segment ends at \d+/u);
    match(out, /- segment 2 \(.*\) is named in the log, not stored/u);
  });

  test('bytes behind the last segment of the log are told', async () => {
    const folder = cut();
    writeFileSync(join(folder, 'capture.tar.zst'), 'more of it', { flag: 'a' });
    match(
      (await verify(folder)).out,
      /segments have the digest that the log holds; the log has no line of the last 10 /u,
    );
  });

  test('a log without a line of any segment: not checked', async () => {
    const file = join(freshFolder(), 'function.log');
    const last = made.log.split('\n').find((line) => line.includes('"amber":"capture"')) ?? '';
    const { amber, capture } = JSON.parse(last) as Record<string, unknown>;
    writeFileSync(file, `${JSON.stringify({ amber, capture, state: 'cut' })}\n`);
    const { out } = await program(['verify', cut(), '--log', file]);
    match(out, /^not checked +digests in the log: nothing of it could be compared with the log/mu);
  });
});
