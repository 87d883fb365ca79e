/** `amber salvage`: what is left of a capture that was cut. */
import { renderPath, renderShown, renderText } from '../case/view/safe-names.ts';
import type { SalvageRecord, SalvageState } from '../case/salvage/contents.ts';
import type { SalvageResult } from '../case/salvage/salvage.ts';
import { missingText } from '../case/store/run.ts';
import { nameBehind } from '../fs/names.ts';
import { size } from '../case/view/size.ts';
import {
  identityOption,
  IDENTITY_OPTION,
  S3_OPTIONS,
  s3Options,
  textOption,
  unopened,
  type Command,
} from './command.ts';
import { captureLocation } from './location.ts';
import type { Output } from './output.ts';
import { many } from '../many.ts';

export const salvage: Command = {
  name: 'salvage',
  summary: 'Reads a capture that was cut or damaged, or that only the log has: what is there, and what is not.',
  usage: 'LOCATION [ID] [--to DIR] [--identity FILE] | --log FILE',
  details: `
Goes on behind missing segments, damaged frames and a truncated end. Every entry that is found is told as
  whole         as its line in the manifest says
  unconfirmed   the manifest part of its segment is not there
  partial       only its beginning is there
  differs       not what its line says
  unlisted      no line tells of it, or its object does not belong: an attacker may have made it
  lost          its line is there, and it is not
and every path of the inventory of which nothing is there is listed. Without --to nothing is written. With it, entries
are unpacked as \`amber pull --extract\` does. Exit code 1: something is missing.
3: the identity opens nothing.
With --log, and no LOCATION, it shows what captures have left in the log of the function where no destination took them,
or where there was no time for more: processes and their connections. An intruder in the sandbox can write such
lines, too; each different one is shown.

  amber salvage s3://evidence-bucket/amber/…/capture=0197…/
  amber salvage ./capture --to ./salvaged
  amber salvage --log function.log`,
  options: {
    log: {
      type: 'string',
      value: 'FILE',
      description: 'A log in any form, for what captures have left there; - reads standard input.',
    },
    to: { type: 'string', value: 'DIR', description: 'Folder to make for what is found.' },
    quiet: { type: 'boolean', short: 'q', description: 'Tell of what is not whole only.' },
    ...IDENTITY_OPTION,
    ...S3_OPTIONS,
  },
  run: async (invocation) => {
    const { values, out } = invocation;
    const log = textOption(values, 'log');
    if (log !== undefined) return (await import('./salvage-log.ts')).salvageLog(invocation, log);
    const location = captureLocation(invocation);
    const identity = await identityOption(values);
    const { openPlace, openOnly } = await import('../case/store/locate.ts');
    const target = textOption(values, 'to');
    const place = await openPlace(location, s3Options(values));
    const told: Told = { records: [], beyond: 0 };
    const options = {
      identity,
      onRecord: (record: SalvageRecord) => tellRecord(record, out, told, { quiet: values['quiet'] === true }),
    };
    try {
      const capture = await openOnly(place);
      let result: SalvageResult;
      if (target === undefined) result = await (await import('../case/salvage/salvage.ts')).salvage(capture, options);
      else {
        const { DEFAULT_LIMITS } = await import('../case/tar/extract.ts');
        const written = await (await import('../case/salvage/folder.ts')).salvageInto(capture, target, {
          ...options,
          limits: DEFAULT_LIMITS,
        });
        out.note(
          `${written.folder}: ${many(written.extracted.files, 'file')}, ${many(written.extracted.links, 'link')}; ` +
            `${many(written.extracted.notMade, 'entry was', 'entries were')} not made`,
        );
        result = written;
      }
      tellEnd(result, out, told);
      return isAllThere(result) ? 0 : 1;
    } catch (cause) {
      throw unopened(cause);
    } finally {
      place.close();
    }
  },
};

interface Told {
  readonly records: unknown[];
  beyond: number;
}

/** Entries and paths in the JSON document; --to writes all of them. */
const MAX_JSON = 10_000;
const MAX_PATHS = 200;

function tellRecord(record: SalvageRecord, out: Output, told: Told, { quiet }: { readonly quiet: boolean }): void {
  const { path, state, segment, size: bytes, have, detail } = record;
  if (out.wantsJson) {
    if (told.records.length < MAX_JSON)
      told.records.push({ ...record, path: Buffer.from(path, 'latin1').toString('utf8') });
    else told.beyond += 1;
    return;
  }
  if (quiet && state === 'whole') return;
  const extent = state === 'partial' ? `${have} of ${bytes}` : String(bytes);
  const where = segment === undefined ? '' : ` segment ${segment}`;
  const more = detail === undefined || state === 'unconfirmed' ? '' : `  (${renderText(detail, 500)})`;
  out.line(`${state.padEnd(12)}${extent.padStart(12)}${where}  ${renderPath(path)}${more}`);
}

function isAllThere({ missing, holes, states, inventory, problem }: SalvageResult): boolean {
  const whole: SalvageState = 'whole';
  const found = Object.keys(states);
  return (
    problem === undefined &&
    missing.length === 0 &&
    holes.length === 0 &&
    found.length > 0 &&
    found.every((state) => state === whole) &&
    inventory.unseen === 0
  );
}

function tellEnd(result: SalvageResult, out: Output, told: Told): void {
  const { notThere, ...facts } = result;
  const paths: string[] = [];
  for (const path of notThere()) {
    if (paths.length === (out.wantsJson ? MAX_JSON : MAX_PATHS)) break;
    paths.push(path);
  }
  const asEntries = paths.map((path) => Buffer.from(nameBehind(path), 'latin1').toString('utf8'));
  out.json({ ...facts, entries: told.records, entriesBeyond: told.beyond, notThere: asEntries });
  out.line();
  if (result.problem !== undefined) out.line(`PROBLEM: ${result.problem}`);
  for (const hole of result.holes) out.line(`hole in segment ${hole.segment ?? 'joined'}: ${hole.reason}`);
  if (result.missing.length > 0) out.line(missingText(result.missing));
  if (result.fragmentBytes > 0)
    out.line(`${size(result.fragmentBytes)} are bodies of files whose beginning is not there`);
  const { inventory } = result;
  if (inventory.listed > 0)
    out.line(
      `inventory: ${many(inventory.listed, 'path')}, of ${inventory.unseen} of them nothing else is there` +
        (inventory.beyond === 0 ? '' : `; ${many(inventory.beyond, 'was', 'were')} too many to compare`),
    );
  for (const path of paths) out.line(`not there   ${renderShown(path)}`);
  if (inventory.unseen > paths.length)
    out.line(`not there   and ${inventory.unseen - paths.length} more (--to DIR writes all to not-there.txt)`);
  out.line(
    `entries: ${
      Object.entries(result.states)
        .map(([state, count]) => `${count} ${state}`)
        .join(', ') || 'none'
    }`,
  );
}
