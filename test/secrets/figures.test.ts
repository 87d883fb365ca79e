/** The targets of `npm run secrets`, over values that are drawn at each run. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { measureForms } from './figures/forms.ts';
import { measure } from './figures/run.ts';
import { times } from '../effort.ts';

test('no value of a telling name comes through, shapes are found under any name, and what is harmless stays', () => {
  const { telling, plain, harmless } = measure(times(1));
  for (const [place, { of, wrong }] of telling) assert.deepEqual([of > 0, wrong], [true, []], place);
  for (const [place, { of, wrong }] of plain)
    assert.ok(of > 0 && wrong.length <= of * 0.1, `${place}: ${wrong.join(', ')}`);
  assert.ok(harmless.of > 0 && harmless.wrong.length <= harmless.of * 0.03, harmless.wrong.join(', '));
});

test('forms from events, lock files and logs stay, and what issuers publish is found under names that do not tell', () => {
  const seed = Math.floor(Math.random() * 1_000_000);
  const { issued, harmless } = measureForms(seed);
  for (const [place, { of, wrong }] of issued) {
    assert.ok(of >= 150 && wrong.length <= of * 0.1, `seed ${seed}, ${place}: ${wrong.join(', ')}`);
  }
  for (const [place, { of, wrong }] of harmless) {
    assert.ok(of >= 300 && wrong.length <= of * 0.03, `seed ${seed}, ${place}: ${wrong.join(', ')}`);
  }
});
