/** `amber verify`: is this capture what was captured? */
import type { Check } from '../case/checks.ts';
import type { VerifyResult } from '../case/verify.ts';
import { AmberError } from '../errors.ts';
import { identityOption, IDENTITY_OPTION, onePositional, S3_OPTIONS, s3Options, textOption, type Command } from './command.ts';
import type { Output } from './output.ts';
import { demandFile, meansFor, verifyOne } from './verify-one.ts';

export const verify: Command = {
  name: 'verify',
  summary: 'Verifies a capture: digests, contents against the manifest, chain, receipts, log.',
  usage: 'LOCATION [--all] [--log FILE] [--identity FILE]',
  details: `
Streams the capture once and writes nothing. Give the function's log with --log (standard output, an export of
CloudWatch, the answer of \`aws logs filter-log-events\`): its digest lines are the anchor that whoever can write to the
bucket cannot change. Age files are opened with --identity; without, their digests alone are verified. age does not
authenticate a sender: that a file decrypts says nothing about who made it.
A case holds several: --all verifies every capture and collection below LOCATION.
Exit code 0: verified. 1: failed, or cut (the part that is there may still hold). Needs s3:ListBucket and s3:GetObject.

  amber verify s3://evidence-bucket/amber/…/capture=0197…/ --log function.log
  amber verify ./capture --identity key.txt
  amber verify ./case --all`,
  options: {
    all: { type: 'boolean', description: 'Every capture and collection below LOCATION.' },
    log: { type: 'string', value: 'FILE', description: 'A log with the digest lines of the capture, in any form; - reads standard input.' },
    ...IDENTITY_OPTION,
    ...S3_OPTIONS,
  },
  run: async (invocation) => {
    const { values, out } = invocation;
    const { openAll, openPlace, openOnly } = await import('../case/locate.ts');
    const location = onePositional(invocation, 'LOCATION');
    const logPath = textOption(values, 'log');
    const all = values['all'] === true;
    if (all) demandFile(logPath);
    const identity = await identityOption(values);
    const place = await openPlace(location, s3Options(values));
    const results: VerifyResult[] = [];
    try {
      if (all) for await (const capture of openAll(place)) results.push(tell(await verifyOne(capture, meansFor(capture, { identity, logPath }), out), out));
      else results.push(tell(await verifyOne(await openOnly(place), { identity, logPath }, out), out));
    } finally {
      place.close();
    }
    if (results.length === 0) throw new AmberError('CASE_MISSING', `There is no capture in ${place.store.location} or below it.`);
    const verified = results.filter(({ verdict }) => verdict === 'verified').length;
    if (all) out.line(`${verified} of ${results.length} verified`);
    out.json(all ? { location: place.store.location, results } : results[0]);
    return verified === results.length ? 0 : 1;
  },
};

const WORDS = { ok: 'ok', failed: 'FAILED', 'not-checked': 'not checked' } as const;
const WIDTH = 13;

function tell(result: VerifyResult, out: Output): VerifyResult {
  out.line(`${result.location}  capture ${result.captureId ?? 'unknown'}`);
  for (const check of result.checks) tellCheck(check, out);
  out.line();
  out.line(out.paint(result.verdict === 'verified' ? 'good' : 'bad', result.summary));
  return result;
}

function tellCheck(check: Check, out: Output): void {
  const word = WORDS[check.state].padEnd(WIDTH);
  out.line(`${out.paint(check.state === 'ok' ? 'good' : check.state === 'failed' ? 'bad' : 'dim', word)}${check.what}${check.state === 'failed' ? '' : `: ${check.detail}`}`);
  for (const finding of check.findings) out.line(`${' '.repeat(WIDTH)}- ${finding}`);
  if (check.count > check.findings.length) out.line(`${' '.repeat(WIDTH)}- and ${check.count - check.findings.length} more`);
}
