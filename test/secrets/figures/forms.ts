/** Counts over the forms that were collected after the rules were frozen, drawn from a seed. */
import { createRedactor } from '../../../src/secrets/redactor.ts';
import { look } from './count.ts';
import type { Count } from './count.ts';
import { drawFrom } from './draw.ts';
import type { Draw } from './draw.ts';
import { PLACES } from './places.ts';
import { FORMS } from './unseen-harmless.ts';
import { ISSUED, UNTELLING } from './unseen-shapes.ts';

const ROUNDS = 3;

export interface FormFigures {
  readonly issued: ReadonlyMap<string, Count>;
  readonly harmless: ReadonlyMap<string, Count>;
}

export function measureForms(seed: number): FormFigures {
  const draw = drawFrom(seed);
  const [issued, harmless] = [new Map<string, Count>(), new Map<string, Count>()];
  for (let round = 0; round < ROUNDS; round++) {
    for (const [issuer, form] of ISSUED) lookForIssued(issuer, form(draw), draw, issued);
    for (const [name, form] of FORMS) lookForHarmless(name, form(draw), harmless);
  }
  return { issued, harmless };
}

function lookForIssued(issuer: string, value: string, draw: Draw, into: Map<string, Count>): void {
  const name = draw.one(UNTELLING);
  // Of a PEM block the second line, of a connection string the password.
  const secret = /^postgres:\/\/app:([^@]+)@/u.exec(value)?.[1] ?? value.split('\n')[1] ?? value;
  for (const place of PLACES) {
    if (place.plain !== true) continue;
    look(into, place.name, `${issuer} ${name}=${value}`, place.shown(createRedactor(), name, value).includes(secret));
  }
}

function lookForHarmless(name: string, value: string, into: Map<string, Count>): void {
  const variable = name
    .replaceAll(/\W/gu, '_')
    .replaceAll(/([a-z])([A-Z])/gu, '$1_$2')
    .toUpperCase();
  const shown = {
    environ: Buffer.from(
      createRedactor().bytes(Buffer.from(`A=1\0${variable}=${value}\0`), 'environ').value,
    ).toString(),
    'JSON in a log line': createRedactor().text(`2026-08-01T00:00:00Z INFO saw ${JSON.stringify({ [name]: value })}`)
      .value,
    'a log line': createRedactor().text(`handled ${name}: ${value} in 4 ms`).value,
    JSON: JSON.stringify(createRedactor().json({ Records: [{ [name]: value }] }).value),
  };
  const written = JSON.stringify(value).slice(1, -1);
  for (const [place, text] of Object.entries(shown)) {
    look(into, place, `${name}=${value}`, !text.includes(value) && !text.includes(written));
  }
}
