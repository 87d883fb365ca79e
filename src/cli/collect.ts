/** `amber collect`: the code-level evidence of a function, read-only, into one verified tarball. */
import { existsSync, renameSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { CollectReport } from '../acquire/collect.ts';
import type { MeterFigures } from '../acquire/meter.ts';
import { renderText } from '../case/view/safe-names.ts';
import { AmberError } from '../errors.ts';
import { size } from '../case/view/size.ts';
import {
  AWS_OPTIONS,
  clientOptions,
  logGroupsOption,
  WINDOW_OPTIONS,
  windowOption,
  writeConfig,
} from './aws-options.ts';
import { onePositional, s3Options, textOption, TWO_WORDS, type Command } from './command.ts';
import type { Output } from './output.ts';
import type { Values } from './option-values.ts';
import { many } from '../many.ts';

export const collect: Command = {
  name: 'collect',
  summary: 'Collects what the control plane, the logs and CloudTrail know of a function.',
  usage: 'FUNCTION (--out DIR | --destination URL) [--captures LOCATION] [--since TIME] [--until TIME]',
  details: `
Changes nothing: code and configuration of every version, layers, aliases, policies, triggers, the execution role, the
streams of the configured log group (of --log-group too), CloudTrail by function, role and every access key of the
captures, GuardDuty findings. What is denied or gone is a line in the manifest; of a function that is gone, what is
left is collected. The result is a capture: \`amber verify\`, \`pull\` and \`show\` read it. Without --recipient,
environment variables and other secrets are redacted.
${TWO_WORDS}
A run that was stopped (Ctrl-C, the end of its time) is partial; it goes on, as one that was denied something does,
where it ended when the same command is run again.
Exit code 0: everything is there. 1: something was denied or failed, or a digest does not match. 3: nothing was
collected.

  amber collect checkout --out ./case --captures s3://evidence-bucket/amber --since 7d
  amber collect arn:aws:lambda:eu-central-1:111122223333:function:checkout --destination s3://evidence-bucket/amber`,
  options: {
    out: { type: 'string', short: 'o', value: 'DIR', description: 'Folder of the case; made if it is not there.' },
    destination: { type: 'string', value: 'URL', description: 'Where else: s3://BUCKET/PREFIX or file:///DIR.' },
    recipient: {
      type: 'string',
      value: 'AGE1…',
      description: 'age public key: the tarball is encrypted and holds raw values.',
    },
    captures: {
      type: 'string',
      value: 'LOCATION',
      description: 'Captures: CloudTrail is asked for their access keys, the files of a trail for their bucket.',
    },
    trail: {
      type: 'string',
      value: 'URL',
      description: 'Read the files of a trail, s3://BUCKET/PREFIX, in place of the event history.',
    },
    'log-group': {
      type: 'string',
      value: 'NAMES',
      description: 'Log groups beside the configured one, separated by commas.',
    },
    sources: {
      type: 'string',
      value: 'NAMES',
      description: 'Only these sources, separated by commas: versions,logs,…',
    },
    state: { type: 'string', value: 'FILE', description: 'Where it is noted what is done; default beside the case.' },
    fresh: { type: 'boolean', description: 'Collect everything again, whatever an earlier run has.' },
    ...WINDOW_OPTIONS,
    ...AWS_OPTIONS,
  },
  run: async (invocation) => {
    const { values, out } = invocation;
    const { runCollection } = await import('../acquire/collect.ts');
    const { parseFunctionName } = await import('../acquire/function-name.ts');
    const functionName = onePositional(invocation, 'FUNCTION');
    const { name } = parseFunctionName(functionName);
    const config = writeConfig(values);
    if (config.destination === undefined)
      throw new AmberError('USAGE', 'Say where the evidence goes: --out DIR, or --destination s3://BUCKET/PREFIX.');
    const trail = textOption(values, 'trail');
    if (trail !== undefined) (await import('../acquire/trail-files.ts')).trailPlace(trail);
    const statePath = stateFile(values, name);
    if (values['fresh'] === true && existsSync(statePath))
      renameSync(statePath, statePath.replace(/\.jsonl$/u, `-${Date.now()}.old.jsonl`));
    else if (existsSync(statePath)) out.note(`Going on from ${statePath}; --fresh collects everything again.`);
    const window = windowOption(values);
    const accessKeyIds = await keysOf(values, name, out);
    const stop = stopper(out);
    try {
      const report = await runCollection({
        functionName,
        config,
        statePath,
        window,
        accessKeyIds,
        trail,
        captures: textOption(values, 'captures'),
        logGroups: logGroupsOption(values),
        clients: clientOptions(values),
        signal: stop.signal,
        sources: textOption(values, 'sources')
          ?.split(',')
          .map((one) => one.trim()),
        onProgress: (figures) => out.status(progress(figures)),
      });
      out.status('');
      out.json(forMachines(report));
      tell(report, out);
      return report.unfinished || report.problems.length > 0 ? 1 : 0;
    } finally {
      out.status('');
      stop.end();
    }
  },
};

function stateFile(values: Values, name: string): string {
  const out = textOption(values, 'out');
  return resolve(textOption(values, 'state') ?? join(out ?? '.', `collect-${name}.state.jsonl`));
}

async function keysOf(values: Values, name: string, out: Output): Promise<readonly string[]> {
  const location = textOption(values, 'captures');
  if (location === undefined) return [];
  const { openPlace } = await import('../case/store/locate.ts');
  const { accessKeysOf } = await import('../case/store/access-keys.ts');
  const place = await openPlace(location, s3Options(values));
  try {
    const keys = await accessKeysOf(place.store, name);
    out.note(`${many(keys.length, 'access key')} in captures of ${name}`);
    return keys;
  } finally {
    place.close();
  }
}

/** The first Ctrl-C closes the tarball in order, the second ends the process. */
function stopper(out: Output): { readonly signal: AbortSignal; readonly end: () => void } {
  const controller = new AbortController();
  const onSignal = (): void => {
    out.status('');
    out.note('Closing the tarball; once more to leave at once.');
    process.removeListener('SIGINT', onSignal);
    controller.abort();
  };
  process.on('SIGINT', onSignal);
  return { signal: controller.signal, end: () => process.removeListener('SIGINT', onSignal) };
}

function progress({ requests, inFlight, throttled, bytes, planned, done, etaMs }: MeterFigures): string {
  const eta = etaMs === undefined ? '' : `, about ${Math.ceil(etaMs / 1000)} s left`;
  return (
    `${done} of ${many(planned, 'step')}, ${many(requests, 'request')} (${inFlight} in ` +
    `flight${throttled > 0 ? `, ${throttled} throttled` : ''}), ${size(bytes)}${eta}`
  );
}

function forMachines({ error, stopped, ...report }: CollectReport): object {
  const plain = (one: AmberError | undefined): object | null =>
    one === undefined ? null : { code: one.code, message: one.message };
  return { ...report, error: plain(error), stopped: plain(stopped) };
}

function tell(report: CollectReport, out: Output): void {
  const { outcomes, figures, deniedActions, problems, stopped, error } = report;
  out.line(`${renderText(report.location)}  collection ${report.captureId}`);
  out.line(
    `${report.state}, evidence ${report.completeness}: ${Object.entries(outcomes)
      .map(([outcome, count]) => `${count} ${outcome}`)
      .join(
        ', ',
      )}; ${size(figures.bytes)} in ${many(figures.requests, 'request')}, ${(report.elapsedMs / 1000).toFixed(1)} s`,
  );
  if (report.resumed > 0) out.line(`${many(report.resumed, 'item was', 'items were')} there from earlier runs`);
  for (const action of deniedActions)
    out.line(
      out.paint('bad', 'denied ') + `${renderText(action)}: allow it and run the same command again, or live without`,
    );
  for (const problem of problems) out.line(out.paint('bad', 'look at ') + renderText(problem));
  for (const one of [stopped, error])
    if (one !== undefined) out.line(out.paint('bad', `${one.code} `) + renderText(one.message));
  out.line(`next: amber verify ${renderText(report.location)}`);
}
