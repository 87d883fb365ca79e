/** What was not collected: the lists of show and of the page are those that verify counts. */
import { deepEqual, equal, match, doesNotMatch } from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { AbsentEntry } from '../../src/contracts/evidence.ts';
import { freshFolder, makeCapture, standardEntries } from '../case/captures.ts';
import { program } from './program.ts';

const SHORT = 'The evidence is not complete: shortfalls';
const APART = 'Not collected, and no shortfall: by design, or gone before it could be read';

const absent = (path: string, facts: Pick<AbsentEntry, 'outcome' | 'reason' | 'byDesign'>): AbsentEntry => ({
  kind: 'absent',
  path: `[root]/proc/${path}`,
  source: `/proc/${path}`,
  method: 'procfs',
  ...facts,
});

test('shortfalls and what is none stand apart, as verify counts them', async () => {
  const { base } = await makeCapture({
    entries: [
      ...standardEntries().slice(0, 2),
      absent('1', { outcome: 'denied', reason: 'EACCES' }),
      absent('2', { outcome: 'skipped', reason: 'the time of the capture was over' }),
      absent('3', { outcome: 'skipped', reason: 'left out by policy', byDesign: 'policy' }),
      absent('4', { outcome: 'missing', reason: 'ENOENT' }),
    ],
  });
  const shown = await program(['show', base]);
  equal(shown.code, 0, shown.err);
  const sections = new Map(
    shown.out.split('\n\n').map((text) => {
      const [title = '', ...rows] = text.trim().split('\n');
      return [title, rows.map((row) => /\/proc\/\d/u.exec(row)?.[0])] as const;
    }),
  );
  deepEqual(sections.get(SHORT), ['/proc/1', '/proc/2'], shown.out);
  deepEqual(sections.get(APART), ['/proc/3', '/proc/4'], shown.out);
  const { out } = await program(['verify', base]);
  match(out, /^The evidence is not complete: 1 denied, 1 skipped /mu);
  match(out, /^Not collected, and no shortfall: 1 skipped by design, 1 missing$/mu);
  const page = join(freshFolder(), 'page.html');
  await program(['report', base, '--to', page]);
  const html = readFileSync(page, 'utf8');
  match(html, new RegExp(`${SHORT}[^]*/proc/1[^]*/proc/2[^]*${APART}[^]*/proc/3[^]*/proc/4`, 'u'));
  doesNotMatch(html, /Not as it should be/u);
  const { short, apart } = JSON.parse((await program(['show', base, '--json'])).out) as Record<
    string,
    { count: number }
  >;
  deepEqual([short?.count, apart?.count], [2, 2]);
});
