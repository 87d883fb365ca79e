/** `amber decrypt`: age files to the tarball inside of them. */
import { AmberError } from '../errors.ts';
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

export const decrypt: Command = {
  name: 'decrypt',
  summary: 'Opens the age files of a capture and writes the tarball inside of them.',
  usage: 'LOCATION [ID] --identity FILE --to FILE',
  details: `
Where segments are not there, or do not open, the others cannot be joined: then --to names a folder, and each is written
apart. Nothing is overwritten. Exit code 1: a segment is not there, is damaged, or is another one than manifest.json
names. 3: the identity opens nothing. The same with the age command, segment by segment:

  age -d -i key.txt capture-0000.tar.zst.age | tar --zstd -tv
  amber decrypt ./capture --identity key.txt --to ./capture.tar.zst`,
  options: {
    to: {
      type: 'string',
      value: 'FILE',
      description: 'Tarball to write (a folder for a capture with missing segments).',
    },
    ...IDENTITY_OPTION,
    ...S3_OPTIONS,
  },
  run: async (invocation) => {
    const { values, out } = invocation;
    const location = captureLocation(invocation);
    const to = textOption(values, 'to');
    const identity = await identityOption(values);
    if (identity === undefined)
      throw new AmberError('USAGE', '--identity FILE is missing: the age identity that opens the files.');
    if (to === undefined) throw new AmberError('USAGE', '--to FILE is missing: where the tarball goes.');
    const { openPlace, openOnly } = await import('../case/store/locate.ts');
    const { decrypt: decryptCapture } = await import('../case/store/decrypt.ts');
    const place = await openPlace(location, s3Options(values));
    const meter = out.meter('decrypting');
    try {
      const result = await decryptCapture(await openOnly(place), { identity, to, onProgress: meter.update });
      meter.end();
      out.json(result);
      for (const { path, sha256, bytes } of result.files) out.line(`${sha256}  ${path}  (${size(bytes)})`);
      out.note(
        'age does not authenticate a sender: verify the digests of the age files against the log (`amber verify ' +
          '--log`).',
      );
      for (const problem of result.problems) out.note(`PROBLEM: ${problem}`);
      return result.joined && result.problems.length === 0 ? 0 : 1;
    } catch (cause) {
      throw unopened(cause);
    } finally {
      meter.end();
      place.close();
    }
  },
};
