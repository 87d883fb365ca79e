/** `amber verify`: is this capture what was captured? */
import type { LogIndex } from '../case/log/lines.ts';
import type { Place } from '../case/store/locate.ts';
import type { VerifyResult } from '../case/verify/verify.ts';
import { AmberError, isAmberError } from '../errors.ts';
import { many } from '../many.ts';
import {
  identityOption,
  IDENTITY_OPTION,
  S3_OPTIONS,
  s3Options,
  textOption,
  TWO_WORDS,
  type Command,
} from './command.ts';
import { LEFT_OUT } from './left-out.ts';
import { captureLocation } from './location.ts';
import type { Output } from './output.ts';
import { verifyAll } from './verify-all.ts';
import { demandFile, logOption, trailOption, verifyOne } from './verify-one.ts';
import { tellAbsentOne, tellResult } from './verify-tell.ts';
import { exitOf, inputsOf, unreadIn, type InputsRead, type VerifyCommand } from './verify-exit.ts';

export const verify: Command = {
  name: 'verify',
  summary: 'Verifies a capture: digests, contents against the manifest, chain, receipts, log.',
  usage: 'LOCATION [ID] [--all] [--log FILE] [--collection LOCATION] [--identity FILE]',
  details: `
Streams the capture once and writes nothing. Give the function's log with --log: its digest lines are the anchor that
a writer to the bucket cannot change, and the list of what must exist. A file, a folder of an export, - for
standard input, or a pipe as in --log <(aws logs tail …), as CloudWatch, Firehose, Logs Insights, \`aws logs\`, SAM or
Vector give it: text, JSON or CSV, UTF-8 or UTF-16, packed with gzip or zstd. The function's log takes lines from an
intruder, too: what only the log names was removed, or never there.
--collection names what \`amber collect --trail\` made: where its trail logs data events of S3, they say who stored and
who deleted such an object, when and from where. Give one that you made: who can write to the bucket can put another
there.
Age files are opened with --identity; without, their digests alone are verified. age does not authenticate a sender:
that a file decrypts says nothing about who made it.
In a bucket with versions the first version of each object is read, and what was deleted or put over is told.
In any bucket the times tell what was stored after manifest.json, and a manifest.json that is too late for its capture.
${TWO_WORDS}
A case holds several: --all verifies every capture and collection below LOCATION, and names those that only the log
knows.
${LEFT_OUT}
One that is stored twice counts once, verified where all copies are, and the copies are named.
Exit code 0: verified. 1: failed, cut (the part that is there may still hold), or named in the log and not stored; also
a segment alone, which is a part of a capture, whatever holds of it. 2: LOCATION is a file that is no capture, such as
manifest.json: give its folder. 3: a part of the log, of the collection or of the capture could not be read, or the
identity does not open it; what could be judged holds. Needs s3:ListBucket and s3:GetObject; for versions
s3:ListBucketVersions and s3:GetObjectVersion.

  amber verify s3://evidence-bucket/amber/…/capture=0197…/ --log function.log
  amber verify s3://evidence-bucket/amber 0197c0de --log ./export
  amber verify ./case --all --log function.log --collection ./collection`,
  options: {
    all: { type: 'boolean', description: 'Every capture and collection below LOCATION.' },
    log: {
      type: 'string',
      value: 'FILE',
      description: 'A log with the digest lines of the capture, in any form; a folder; - reads standard input.',
    },
    collection: {
      type: 'string',
      value: 'LOCATION',
      description: 'A collection with data events of S3, which say what was deleted and by whom.',
    },
    ...IDENTITY_OPTION,
    ...S3_OPTIONS,
  },
  run: async (invocation) => {
    const { values, out } = invocation;
    const location = captureLocation(invocation);
    const logPath = textOption(values, 'log');
    if (values['all'] === true) demandFile(logPath);
    const identity = await identityOption(values);
    const { openPlace } = await import('../case/store/locate.ts');
    const collection = textOption(values, 'collection');
    const collected = collection === undefined ? undefined : { location: collection, s3: s3Options(values) };
    const options = { identity, logPath, collected };
    let place: Place;
    try {
      place = await openPlace(location, s3Options(values));
    } catch (cause) {
      return absentOr(cause, location, options, out);
    }
    try {
      return values['all'] === true
        ? await verifyAll(place, options, out)
        : await verifyOnly(place, location, options, out);
    } finally {
      place.close();
    }
  },
};

async function verifyOnly(place: Place, location: string, options: VerifyCommand, out: Output): Promise<number> {
  const { openOnly } = await import('../case/store/locate.ts');
  const { idsOf } = await import('../case/verify/log.ts');
  const { formByLog } = await import('../case/verify/log-form.ts');
  let result: VerifyResult;
  let log: LogIndex | undefined;
  let inputs: InputsRead;
  try {
    const capture = await openOnly(place);
    const { identity, logPath, collected } = options;
    log = await logOption(logPath, idsOf(capture), out);
    const trail = await trailOption(collected, { stored: idsOf(capture), log }, identity, out);
    result = await verifyOne(await formByLog(capture, log), { identity, log, trail }, out);
    inputs = inputsOf(log, trail);
  } catch (cause) {
    return absentOr(cause, location, { ...options, log }, out);
  }
  tellResult(result, out);
  if (result.log === 'read' && inputs.logNotRead.length > 0)
    out.line(out.paint('bad', 'A part of the log was not read: what it says of this capture may stand there.'));
  const others = log === undefined ? 0 : log.captures - (log.of(result.captureId ?? '') === undefined ? 0 : 1);
  if (others > 0) out.note(`The log names ${many(others, 'other capture')}: --all looks for them, too.`);
  out.json({ ...result, ...inputs, otherCapturesInLog: others });
  return exitOf([result], unreadIn(inputs));
}

/** Where nothing is stored, the log may still name it. @throws the error where it does not. */
async function absentOr(
  cause: unknown,
  location: string,
  { logPath, log: read, identity, collected }: VerifyCommand,
  out: Output,
): Promise<number> {
  const { idInPath } = await import('../case/store/place.ts');
  const id = idInPath(`${location.replace(/\/+$/u, '')}/`);
  if (!isAmberError(cause) || cause.code !== 'CASE_MISSING' || id === undefined || logPath === undefined) throw cause;
  const index = read ?? (await logOption(logPath, [id], out));
  const log = index?.of(id);
  if (log?.stored !== true) {
    const far = (index?.notRead.length ?? 0) === 0 ? '' : ', as far as it was read';
    throw new AmberError('CASE_MISSING', `${cause.message} Nor does the log say${far} that capture ${id} was stored.`, {
      cause,
    });
  }
  const { absentCapture } = await import('../case/log/absent.ts');
  const trail = await trailOption(collected, { stored: [id], log: undefined }, identity, out);
  const absent = absentCapture(id, log, { isPartial: false, trail });
  tellAbsentOne(absent, out);
  out.json({ location, captureId: id, verdict: 'failed', missing: [absent], ...inputsOf(index, trail) });
  return 1;
}
