/**
 * `npm run secrets`: what comes through, and what is taken for a secret and is none.
 *
 *     npm run secrets -- [--rounds N] [--seed N]
 *
 * Values are drawn anew at each run. Leaks are counted by place: telling names with values that people and tools
 * choose, harmless names with credentials that have a shape of their own. Over-redaction is counted over harmless
 * values.
 */
import { parseArgs } from 'node:util';
import { createRedactor } from '../../../src/secrets/redactor.ts';
import { PLACES } from './places.ts';
import { look } from './count.ts';
import type { Count } from './count.ts';
import { measureForms } from './forms.ts';
import { chosen, harmless, shaped, TELLING } from './values.ts';

const HARMLESS_NAMES = ['X', 'setting', 'note', 'VALUE_1', 'target'];

export interface Figures {
  readonly telling: ReadonlyMap<string, Count>;
  readonly plain: ReadonlyMap<string, Count>;
  readonly harmless: Count;
}

/** Counts over so many rounds of fresh values. */
export function measure(rounds: number): Figures {
  const telling = new Map<string, Count>();
  const plain = new Map<string, Count>();
  const kept: Count = { of: 0, wrong: [] };
  for (let round = 0; round < rounds; round++) {
    for (const place of PLACES) {
      for (const name of TELLING)
        for (const value of chosen())
          look(telling, place.name, `${name}=${value}`, place.shown(createRedactor(), name, value).includes(value));
      if (place.plain !== true) continue;
      for (const [issuer, value] of Object.entries(shaped()))
        for (const name of HARMLESS_NAMES)
          look(plain, place.name, `${issuer} ${value}`, place.shown(createRedactor(), name, value).includes(value));
    }
    for (const [name, value] of Object.entries(harmless())) {
      for (const shown of [
        Buffer.from(createRedactor().bytes(Buffer.from(`${name}=${value}\0`), 'environ').value).toString(),
        createRedactor().text(`saw "${name}":"${value}" there`).value,
        JSON.stringify(createRedactor().json({ [name]: [value] }).value).replaceAll('\\"', '"'),
      ]) {
        kept.of++;
        if (!shown.includes(value)) kept.wrong.push(`${name}=${value}`);
      }
    }
  }
  return { telling, plain, harmless: kept };
}

function line(what: string, { of, wrong }: Count): string {
  return `${what.padEnd(56)} ${String(wrong.length).padStart(5)} of ${String(of).padStart(6)} ${((100 * wrong.length) / of).toFixed(1).padStart(6)} %${wrong[0] === undefined ? '' : `   ${wrong[0].slice(0, 60)}`}\n`;
}

if (import.meta.main) {
  const { values } = parseArgs({
    options: {
      rounds: { type: 'string', default: '2' },
      seed: { type: 'string', default: String(Date.now() % 1_000_000) },
    },
  });
  const figures = measure(Number(values.rounds));
  for (const [place, count] of figures.telling) process.stdout.write(line(`leaks, telling name: ${place}`, count));
  for (const [place, count] of figures.plain)
    process.stdout.write(line(`leaks, harmless name and a shape: ${place}`, count));
  process.stdout.write(line('over-redaction: harmless values', figures.harmless));
  const forms = measureForms(Number(values.seed));
  for (const [place, count] of forms.issued)
    process.stdout.write(line(`leaks, issuers, seed ${values.seed}: ${place}`, count));
  for (const [place, count] of forms.harmless)
    process.stdout.write(line(`over-redaction, forms, seed ${values.seed}: ${place}`, count));
}
