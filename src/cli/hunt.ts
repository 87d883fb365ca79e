/** `amber hunt`: asks the log of a function for malice, through Logs Insights or over what was collected. */
import { writeFile } from 'node:fs/promises';
import type { Hunt, HuntFinding } from '../hunt/contracts.ts';
import { HUNTS } from '../hunt/index.ts';
import { asciiJson } from '../case/view/ascii.ts';
import type { LeaveOut } from '../case/store/store.ts';
import { renderText } from '../case/view/safe-names.ts';
import { AmberError } from '../errors.ts';
import { AWS_OPTIONS, clientOptions, logGroupsOption, WINDOW_OPTIONS, windowOption } from './aws-options.ts';
import {
  identityOption,
  IDENTITY_OPTION,
  onePositional,
  s3Options,
  textOption,
  type Command,
  type Invocation,
} from './command.ts';
import { LEFT_OUT, leftOutLines } from './left-out.ts';
import { table, type Output } from './output.ts';
import type { LogEvent } from '../contracts/log-event.ts';
import type { Values } from './option-values.ts';
import { many } from '../many.ts';

const DAY_MS = 86_400_000;

export const hunt: Command = {
  name: 'hunt',
  summary: 'Hunts the log of a function for malicious activity.',
  usage: 'FUNCTION [--since TIME] [--until TIME] | --offline LOCATION',
  details: `
${HUNTS.length} hunts: shells, downloaders, miners, injections, loaders, unknown extensions, runtimes that were
swapped, roles that are tried out, and others; --list tells them with their ATT&CK ids and with what harmless thing
looks alike. They run in CloudWatch Logs Insights (which costs by the bytes that it reads; the last day by default),
or with --offline over a collection, free and again and again. A hit is a reason to look, not a verdict.
With --offline: ${LEFT_OUT}
Exit code 0: no hits of medium or high severity. 1: hits, or a hunt that could not be asked. 3: no such hits in what
could be read, and not all could be.
Needs lambda:GetFunctionConfiguration, logs:StartQuery, logs:GetQueryResults, and logs:GetLogEvents for the lines
around hits.

  amber hunt checkout --since 24h
  amber hunt --offline ./case --findings findings.jsonl`,
  options: {
    offline: {
      type: 'string',
      value: 'LOCATION',
      description: 'A collection, its tarball, or the folder that it was unpacked to.',
    },
    'log-group': {
      type: 'string',
      value: 'NAMES',
      description: 'Log groups beside the configured one, separated by commas; for a function that is gone, too.',
    },
    hunts: { type: 'string', value: 'IDS', description: 'Only these hunts, separated by commas.' },
    context: { type: 'string', value: 'LINES', description: 'Lines before and after a hit; default 3.' },
    findings: {
      type: 'string',
      value: 'FILE',
      description: 'Write the findings there as JSON lines; the file must not exist.',
    },
    list: { type: 'boolean', description: 'Tell the hunts and end.' },
    ...IDENTITY_OPTION,
    ...WINDOW_OPTIONS,
    ...AWS_OPTIONS,
  },
  run: async (invocation) => {
    const { values, out } = invocation;
    const hunts = chosen(textOption(values, 'hunts'));
    if (values['list'] === true) return list(hunts, out);
    const context = contextOf(values);
    const offline = textOption(values, 'offline');
    const { leave, unread, notFollowed } = leftOutLines(out);
    const result =
      offline === undefined
        ? await online(invocation, hunts, context)
        : await overCollected(offline, values, { hunts, context, leave });
    const file = textOption(values, 'findings');
    if (file !== undefined) await keep(file, result.findings);
    out.json({ ...result, unread, notFollowed });
    tell(result, out);
    return exitOf(result, unread.length);
  },
};

/** What could not be read may hold the log: that there are no events in the rest is no finding then. */
function exitOf({ findings, problems }: HuntsResult, unread: number): number {
  if (findings.some(({ severity }) => severity !== 'low')) return 1;
  return unread > 0 ? 3 : problems.length > 0 ? 1 : 0;
}

interface HuntsResult {
  readonly findings: readonly HuntFinding[];
  /** Log events that were looked at. */
  readonly events: number;
  readonly problems: readonly string[];
}

function chosen(names: string | undefined): readonly Hunt[] {
  if (names === undefined) return HUNTS;
  const wanted = names.split(',').map((name) => name.trim());
  const unknown = wanted.find((name) => !HUNTS.some(({ id }) => id === name));
  if (unknown !== undefined)
    throw new AmberError(
      'USAGE',
      `--hunts has ${JSON.stringify(unknown)}; expected ids that \`amber hunt --list\` tells, separated by ` +
        `commas, for example --hunts ${HUNTS[0]?.id ?? ''}.`,
    );
  return HUNTS.filter(({ id }) => wanted.includes(id));
}

function list(hunts: readonly Hunt[], out: Output): number {
  out.json(
    hunts.map(({ id, title, technique, severity, benign, query }) => ({
      id,
      title,
      technique,
      severity,
      benign,
      query,
    })),
  );
  for (const line of table(hunts.map(({ id, severity, technique, title }) => [id, severity, technique, title])))
    out.line(line);
  return 0;
}

function contextOf(values: Values): number {
  const text = textOption(values, 'context') ?? '3';
  if (!/^\d{1,3}$/u.test(text))
    throw new AmberError(
      'USAGE',
      `--context is ${JSON.stringify(text)}; expected a number of lines from 0 to 999, for example --context 3.`,
    );
  return Number(text);
}

async function online(invocation: Invocation, hunts: readonly Hunt[], context: number): Promise<HuntsResult> {
  const { values, out } = invocation;
  const { openFunction } = await import('../acquire/function.ts');
  const { huntInsights } = await import('../hunt/insights.ts');
  const { sinceMs, untilMs = Date.now() } = windowOption(values);
  const window = { untilMs, sinceMs: sinceMs ?? untilMs - DAY_MS };
  const stop = new AbortController();
  const { aws, target, close } = await openFunction(
    onePositional(invocation, 'FUNCTION'),
    { clients: clientOptions(values), window, logGroups: logGroupsOption(values), allowAbsent: true },
    stop.signal,
  );
  const findings: HuntFinding[] = [];
  const problems: string[] = target.isAbsent
    ? [`${target.functionName} is gone, or may not be read: hunted in ${target.logGroups.join(', ')}`]
    : [];
  let events = 0;
  let asked = 0;
  try {
    const logs = await aws.logs();
    for await (const one of huntInsights({
      logs,
      logGroups: target.logGroups,
      ...window,
      hunts,
      context,
      signal: stop.signal,
    })) {
      findings.push(...one.findings);
      events = Math.max(events, one.scanned);
      if (one.problem !== undefined) problems.push(`${one.hunt}: ${one.problem}`);
      asked += 1;
      out.status(`${asked} of ${many(hunts.length, 'hunt')}, ${many(findings.length, 'hit')}`);
    }
  } finally {
    out.status('');
    close();
  }
  return { findings, events, problems };
}

async function overCollected(
  location: string,
  values: Values,
  { hunts, context, leave }: { readonly hunts: readonly Hunt[]; readonly context: number; readonly leave: LeaveOut },
): Promise<HuntsResult> {
  const { OfflineHunt } = await import('../hunt/offline.ts');
  const { eventsAt } = await import('../case/log/events.ts');
  const { openPlace } = await import('../case/store/locate.ts');
  const place = await openPlace(location, s3Options(values));
  const hunter = new OfflineHunt({ hunts, context });
  const findings: HuntFinding[] = [];
  try {
    const { sinceMs = 0, untilMs = Number.MAX_SAFE_INTEGER } = windowOption(values);
    const events: AsyncIterable<LogEvent> = eventsAt(place, await identityOption(values), leave);
    for await (const event of events) {
      if (event.timestamp >= sinceMs && event.timestamp <= untilMs)
        for (const found of hunter.see(event)) findings.push(found);
    }
  } finally {
    place.close();
  }
  findings.push(...hunter.end());
  return {
    findings,
    events: hunter.events,
    problems: hunter.events === 0 ? [`there are no log events in ${location}`] : [],
  };
}

async function keep(file: string, findings: readonly HuntFinding[]): Promise<void> {
  try {
    await writeFile(file, findings.map((finding) => `${asciiJson(finding)}\n`).join(''), { flag: 'wx', mode: 0o600 });
  } catch (cause) {
    throw new AmberError('CASE_EXISTS', `${JSON.stringify(file)} cannot be written, or is there already.`, { cause });
  }
}

function tell({ findings, events, problems }: HuntsResult, out: Output): void {
  for (const one of findings) {
    const mark = `${one.severity.padEnd(6)} ${one.hunt}`;
    out.line(
      `${one.severity === 'high' ? out.paint('bad', mark) : out.paint('strong', mark)}  ${one.technique}  ` +
        `${one.time ?? ''}  ${renderText(one.logStream ?? '')}`,
    );
    out.line(`       ${renderText(one.title)}: ${renderText(one.detail, 300)}`);
    for (const line of one.before) out.line(out.paint('dim', '     | ') + renderText(line.trimEnd(), 200));
    if (one.message !== null) out.line(`     > ${renderText(one.message.trimEnd(), 400)}`);
    for (const line of one.after) out.line(out.paint('dim', '     | ') + renderText(line.trimEnd(), 200));
  }
  for (const problem of problems) out.line(out.paint('bad', 'not asked ') + renderText(problem));
  out.line(`${many(findings.length, 'hit')} in ${many(events, 'log event')}`);
}
