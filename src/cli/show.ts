/** `amber show`: one capture for a reader. */
import type { OpenCapture } from '../case/store/open.ts';
import { bodySections, falseEvidence, headRows } from '../case/view/sections.ts';
import type { CaptureView } from '../case/view/view.ts';
import { AmberError } from '../errors.ts';
import {
  identityOption,
  IDENTITY_OPTION,
  S3_OPTIONS,
  s3Options,
  textOption,
  TWO_WORDS,
  type Command,
} from './command.ts';
import { captureLocation } from './location.ts';
import { table, type Output } from './output.ts';
import type { Values } from './option-values.ts';

export const show: Command = {
  name: 'show',
  summary: 'Shows one capture: cause, identity, findings, processes, sockets, recovered files, /tmp, shortfalls.',
  usage: 'LOCATION [ID] [--identity FILE] [--lines N]',
  details: `
Reads the capture once and writes nothing. It shows what the capture says; whether that is what was captured is for
\`amber verify\` to say. Names are shown with their control and invisible characters escaped.
${TWO_WORDS}
Each list has --lines lines here, and with --json the first 1,000 items; documents are read up to 12 MiB, findings up to
20,000 rows. What a bound leaves out is counted, and stands in the tarball.
Exit code 0: it is whole, and was read to its end. 1: it is not, or manifest.json contradicts what is there.

  amber show .amber/demo/evidence
  amber show s3://evidence-bucket/amber/…/capture=0197…/ --identity key.txt`,
  options: {
    lines: { type: 'string', short: 'n', value: 'N', description: 'Most lines of each list; default 40.' },
    ...IDENTITY_OPTION,
    ...S3_OPTIONS,
  },
  run: async (invocation) => {
    const { values, out } = invocation;
    const location = captureLocation(invocation);
    const most = linesOption(values);
    const identity = await identityOption(values);
    const { openPlace, openOnly } = await import('../case/store/locate.ts');
    const { viewCapture } = await import('../case/view/view.ts');
    const place = await openPlace(location, s3Options(values));
    const meter = out.meter('reading');
    try {
      const capture = await openOnly(place);
      const view = await viewCapture(capture, identity, meter.update);
      meter.end();
      out.json({
        location: capture.location,
        manifest: capture.manifest,
        ...view,
        documents: Object.fromEntries(view.documents),
        shortfalls: view.shortfalls.of(capture.manifest).result(0, undefined),
      });
      tell(capture, view, out, most);
      return view.problem === undefined && falseEvidence(capture, view) === undefined ? 0 : 1;
    } finally {
      meter.end();
      place.close();
    }
  },
};

function linesOption(values: Values): number {
  const text = textOption(values, 'lines') ?? '40';
  if (!/^[1-9]\d{0,8}$/u.test(text))
    throw new AmberError(
      'USAGE',
      `--lines is ${JSON.stringify(text)}; expected a whole number from 1 on, for example --lines 40.`,
    );
  return Number(text);
}

function tell(capture: OpenCapture, view: CaptureView, out: Output, most: number): void {
  for (const line of table(headRows(capture, view))) out.line(line);
  if (view.problem !== undefined) out.note(`PROBLEM: ${view.problem}`);
  for (const { title, rows, count, notes = [] } of bodySections(view)) {
    out.line();
    out.line(out.paint('strong', title));
    for (const note of notes) out.line(`  ${out.paint('bad', note)}`);
    const shown = table(rows.slice(0, most));
    for (const line of shown) out.line(`  ${line}`);
    if (count > shown.length) out.line(`  … and ${count - shown.length} more (--lines)`);
  }
}
