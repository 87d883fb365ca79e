/** `amber pull`: a capture into a local folder. */
import { AmberError } from '../errors.ts';
import { size } from '../case/view/size.ts';
import { identityOption, IDENTITY_OPTION, S3_OPTIONS, s3Options, textOption, type Command } from './command.ts';
import { captureLocation } from './location.ts';
import type { Values } from './option-values.ts';
import { many } from '../many.ts';

export const pull: Command = {
  name: 'pull',
  summary: 'Copies a capture into a local folder, joined to one tarball.',
  usage: 'LOCATION [ID] [--to DIR] [--identity FILE] [--extract]',
  details: `
Compares every digest with manifest.json on the way. Age files are kept as they are, because the digests in the log are
theirs; with --identity the tarball inside of them is written beside them. --extract unpacks into extracted/ so that
nothing can hurt: nothing outside of the folder is written, nothing is overwritten, nothing is executable, links that
lead out and devices are listed in not-extracted.jsonl. The folder appears when it is complete.

  amber pull s3://evidence-bucket/amber/…/capture=0197…/ --to ./case-17
  amber pull s3://evidence-bucket/amber/…/capture=0197…/ --to ./case-17 --identity key.txt --extract`,
  options: {
    to: { type: 'string', value: 'DIR', description: 'Folder to make; default is the id of the capture.' },
    extract: { type: 'boolean', description: 'Unpack the tarball too.' },
    'max-bytes': { type: 'string', value: 'SIZE', description: 'Most that --extract unpacks; default 24GiB.' },
    ...IDENTITY_OPTION,
    ...S3_OPTIONS,
  },
  run: async (invocation) => {
    const { values, out } = invocation;
    const location = captureLocation(invocation);
    const { openPlace, openOnly } = await import('../case/store/locate.ts');
    const { pull: pullCapture } = await import('../case/store/pull.ts');
    const { DEFAULT_LIMITS } = await import('../case/tar/extract.ts');
    const limits = { ...DEFAULT_LIMITS, maxBytes: (await bytesOption(values, 'max-bytes')) ?? DEFAULT_LIMITS.maxBytes };
    const identity = await identityOption(values);
    const place = await openPlace(location, s3Options(values));
    const meter = out.meter('pulling');
    try {
      const capture = await openOnly(place);
      const target = textOption(values, 'to') ?? `capture-${capture.manifest?.captureId ?? nameOf(capture.location)}`;
      const result = await pullCapture(capture, target, {
        identity,
        limits,
        extract: values['extract'] === true,
        onProgress: meter.update,
      });
      meter.end();
      out.json(result);
      out.line(
        `${result.folder}: ` +
          `${size(result.bytes)}${result.tarball === undefined ? ', not joined' : `, joined to ${result.tarball}`}`,
      );
      for (const [name, sha256] of Object.entries(result.files)) out.line(`  ${sha256}  ${name}`);
      const { extracted } = result;
      if (extracted !== undefined) {
        out.line(
          `unpacked ${many(extracted.files, 'file')} and ${many(extracted.links, 'link')}; ` +
            `${many(extracted.notMade, 'entry was', 'entries were')} ` +
            `not made (not-extracted.jsonl), ${extracted.unsafe} of them dangerous`,
        );
      }
      if (result.apart !== undefined)
        out.note(
          `Not joined, ${result.apart}: segments were copied as they are. \`amber salvage\` unpacks what is there.`,
        );
      for (const problem of result.problems) out.note(`PROBLEM: ${problem}`);
      return result.whole && result.problems.length === 0 && (extracted?.unsafe ?? 0) === 0 ? 0 : 1;
    } finally {
      meter.end();
      place.close();
    }
  },
};

function nameOf(location: string): string {
  return (/(?:capture=)?([\w.-]+)\/?$/u.exec(location)?.[1] ?? 'pulled').replaceAll(/^\.+/gu, '');
}

async function bytesOption(values: Values, name: string): Promise<number | undefined> {
  const text = textOption(values, name);
  if (text === undefined) return undefined;
  const parsed = (await import('../config/values.ts')).bytes(1, Number.MAX_SAFE_INTEGER)(text);
  if (!parsed.ok)
    throw new AmberError(
      'USAGE',
      `--${name} is ${JSON.stringify(text)}; expected ${parsed.expected}, for example 24GiB.`,
    );
  return parsed.value;
}
