/** A part of a place that cannot be read: what hunts, status and a log say of the rest, and of what may lie in it. */
import { deepEqual, doesNotMatch, equal, match } from 'node:assert/strict';
import { chmodSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { bytesEntry, freshFolder, makeCapture } from '../case/captures.ts';
import { asNobody, openToAll } from './as-nobody.ts';
import { configured } from './function-orders.ts';

const OTHER = '0197c0de-0000-7000-8000-0000000000bb';
const HIT = 'sh: 1: nc: not found';
const STREAM = 'logs/aws/lambda/checkout/stream-0000.jsonl';
const row = (message: string): string => `${JSON.stringify({ timestamp: 1, logStreamName: 's', message })}\n`;
const notRead = (err: string): readonly string[] => err.split('\n').filter((line) => line.startsWith('NOT READ: '));

/** Two collections, of which the second may not be read. */
async function collections(message: string): Promise<string> {
  const base = freshFolder();
  const made = await Promise.all(
    [message, HIT].map((text) => makeCapture({ entries: [bytesEntry(STREAM, row(text))], apart: true })),
  );
  for (const [at, { folder }] of made.entries()) renameSync(folder, join(base, `part-${at}`));
  openToAll(base);
  chmodSync(join(base, 'part-1'), 0);
  return base;
}

describe('a hunt over what was collected', () => {
  test('passes over a collection that cannot be read, and exits with 3 where the rest is calm', async () => {
    const base = await collections('all is well');
    const { code, out, err } = await asNobody(['hunt', '--offline', base]);
    equal(code, 3, out + err);
    match(out, /^0 hits in 1 log event$/mu);
    equal(notRead(err).length, 1, err);
    match(notRead(err)[0] ?? '', /part-1\/: CASE_DENIED: /u);
    const told = JSON.parse((await asNobody(['hunt', '--offline', base, '--json'])).out) as { unread: string[] };
    deepEqual([told.unread.length, told.unread[0]?.startsWith(`${base}/part-1/: CASE_DENIED: `)], [1, true]);
  });

  test('exits with 1 for a hit in what can be read', async () => {
    const { code, out, err } = await asNobody(['hunt', '--offline', await collections(HIT)]);
    deepEqual([code, notRead(err).length], [1, 1], out + err);
  });

  test('does the same over an unpacked one', async () => {
    const base = freshFolder();
    for (const name of ['a', 'b', 'c']) {
      mkdirSync(join(base, 'logs', name), { recursive: true });
      writeFileSync(join(base, 'logs', name, 'stream-0000.jsonl'), row('all is well'));
    }
    openToAll(base);
    chmodSync(join(base, 'logs', 'b'), 0);
    chmodSync(join(base, 'logs', 'c', 'stream-0000.jsonl'), 0);
    const { code, out, err } = await asNobody(['hunt', '--offline', base]);
    equal(code, 3, out + err);
    match(out, /^0 hits in 1 log event$/mu);
    deepEqual(
      notRead(err).map((line) => line.split(': ')[1]?.slice(base.length)),
      ['/logs/b/', '/logs/c/stream-0000.jsonl'],
    );
  });
});

test('the coverage of a function passes over captures that cannot be read, and exits with 3', async (t) => {
  const set = await configured(t, {});
  if (set === undefined) return;
  const base = freshFolder();
  renameSync((await makeCapture({ apart: true })).folder, join(base, 'good'));
  renameSync((await makeCapture({ captureId: OTHER })).folder, join(base, `capture=${OTHER}`));
  openToAll(base);
  const keys = Object.entries(process.env).filter(([name]) => name.startsWith('AWS_'));
  const status = ['status', 'checkout', '--captures', base, '--since', '2025-06-30T00:00Z', '--region', 'eu-central-1'];
  const run = (...more: readonly string[]): ReturnType<typeof asNobody> =>
    asNobody([...status, '--endpoint', set.motoEndpoint, ...more], Object.fromEntries(keys));
  const all = await run();
  deepEqual([all.code, notRead(all.err)], [0, []], all.out + all.err);
  match(all.out, /\(2 captures\)/u);
  chmodSync(join(base, `capture=${OTHER}`), 0);
  const rest = await run();
  equal(rest.code, 3, rest.out + rest.err);
  match(rest.out, /\(1 capture\)/u);
  match(notRead(rest.err).join('\n'), new RegExp(`^NOT READ: .*${OTHER}/: CASE_DENIED: .*$`, 'u'));
  const told = JSON.parse((await run('--json')).out) as { unread: string[]; captures: unknown[] };
  deepEqual([told.unread.length, told.captures.length], [1, 1]);
});

describe('a capture that only the log names, where a folder cannot be read', () => {
  async function placed(): Promise<{ base: string; log: string }> {
    const base = freshFolder();
    const [one, other] = [await makeCapture({ apart: true }), await makeCapture({ captureId: OTHER })];
    mkdirSync(join(base, 'closed'));
    renameSync(one.folder, join(base, 'good'));
    renameSync(other.folder, join(base, 'closed', `capture=${OTHER}`));
    const log = join(freshFolder(), 'function.log');
    writeFileSync(log, one.log + other.log);
    openToAll(base);
    openToAll(join(log, '..'));
    chmodSync(join(base, 'closed'), 0);
    return { base, log };
  }

  test('is not found in what could be read: 3, in text and JSON', async () => {
    const { base, log } = await placed();
    const { code, out, err } = await asNobody(['verify', base, '--all', '--log', log]);
    equal(code, 3, out + err);
    doesNotMatch(out, /FAILED|not stored|removed/u);
    match(out, new RegExp(`^NOT FOUND: capture ${OTHER} is named in the log, not found in what could be read: `, 'mu'));
    match(out, /^1 of 2 verified; 1 is named in the log, not found in what could be read$/mu);
    const told = JSON.parse((await asNobody(['verify', base, '--all', '--log', log, '--json'])).out) as {
      missing: { captureId: string; state: string }[];
    };
    deepEqual(
      told.missing.map(({ captureId, state }) => [captureId, state]),
      [[OTHER, 'not-found']],
    );
  });

  test('the page says the same, and an id that is asked for is not said to be nowhere', async () => {
    const { base, log } = await placed();
    const page = join(freshFolder(), 'page.html');
    chmodSync(join(page, '..'), 0o777);
    const { code, out, err } = await asNobody(['report', base, '--log', log, '--to', page]);
    equal(code, 3, out + err);
    const text = readFileSync(page, 'utf8');
    match(text, new RegExp(`${OTHER}[^]*named in the log, not found in what could be read`, 'u'));
    doesNotMatch(text, /not stored: removed/u);
    const asked = await asNobody(['show', base, OTHER]);
    equal(asked.code, 3);
    match(asked.err, /whose id begins with .*, as far as it could be read: .*closed.* could not be/u);
  });

  test('fails where everything could be read', async () => {
    const { base, log } = await placed();
    renameSync(join(base, 'closed'), join(freshFolder(), 'away'));
    const { code, out } = await asNobody(['verify', base, '--all', '--log', log]);
    equal(code, 1, out);
    match(out, new RegExp(`^FAILED: capture ${OTHER} is named in the log, not stored: removed, or never there`, 'mu'));
  });
});
