import type { Hunt, Matcher, WholeHit } from './contracts.ts';
import { many } from '../many.ts';

/** Lines before there is something to compare with. */
const LEARNED = 200;
const MAX_TEMPLATES = 50_000;
const MAX_TOLD = 50;
/** A stream that stopped so long before the end of the log is not just waiting. */
const QUIET_MS = 900_000;

/** 20 */
export const novelty: Hunt = {
  id: 'never-seen-before',
  title: 'Lines of a kind that was never seen before, lines that were dropped, streams that break off',
  technique: 'T1070',
  severity: 'low',
  benign: 'Known lines with other numbers, ids and times.',
  query:
    'fields @timestamp, @logStream, @message | filter @message not like ' +
    '/^(START|END|REPORT|INIT_START|EXTENSION|XRAY)/ | pattern @message | sort @sampleCount asc | ' +
    'limit 100',
  matcher,
};

interface Template {
  readonly first: number;
  readonly logStream: string;
  readonly message: string;
}

function matcher(): Matcher {
  const templates = new Map<string, Template>();
  const open = new Map<string, { requestId: string; at: number }>();
  let lines = 0;
  let from = Number.POSITIVE_INFINITY;
  let to = 0;
  return {
    see: ({ timestamp, logStream, message }, platform) => {
      from = Math.min(from, timestamp);
      to = Math.max(to, timestamp);
      if (platform?.kind === 'dropped') return 'the platform dropped lines: what was said then is not in the log';
      if (platform?.kind === 'start') open.set(logStream, { requestId: platform.requestId ?? '', at: timestamp });
      if (platform?.kind === 'end' || platform?.kind === 'report') open.delete(logStream);
      if (platform !== undefined) return undefined;
      lines += 1;
      const template = templateOf(message);
      const known = templates.get(template);
      if (known === undefined ? templates.size < MAX_TEMPLATES : timestamp < known.first)
        templates.set(template, { first: timestamp, logStream, message });
      return undefined;
    },
    end: () => {
      const broken = [...open]
        .filter(([, { at }]) => to - at > QUIET_MS)
        .slice(0, MAX_TOLD)
        .map(
          ([logStream, { requestId, at }]): WholeHit => ({
            logStream,
            timestamp: at,
            detail: `the stream breaks off inside of invocation ${requestId}`,
          }),
        );
      return [...broken, ...fresh(templates, lines, from + (to - from) * 0.75)];
    },
  };
}

function fresh(templates: ReadonlyMap<string, Template>, lines: number, border: number): readonly WholeHit[] {
  if (lines < LEARNED) return [];
  const late = [...templates.values()].filter(({ first }) => first > border);
  // Where much is new, the function was deployed anew: that is one finding, not a thousand.
  if (late.length > MAX_TOLD)
    return [
      {
        timestamp: border,
        detail:
          `${late.length} of ${many(templates.size, 'kind')} of lines ${late.length === 1 ? 'is' : 'are'} ` +
          `new in the last quarter of the window: was another version deployed?`,
      },
    ];
  return late.map(
    ({ first, logStream, message }): WholeHit => ({
      logStream,
      timestamp: first,
      message,
      detail: 'a kind of line that the first three quarters of the window do not have',
    }),
  );
}

/** The line without what changes from one to the next: numbers, ids, times, quoted values. */
function templateOf(message: string): string {
  return message
    .slice(0, 400)
    .replaceAll(/"(?:[^"\\]|\\.){0,200}"(?=\s*[,}\]])/gu, '"…"')
    .replaceAll(/[0-9a-f]{8}-[0-9a-f-]{27}|\b[0-9a-fA-F]{12,}\b|\d+/gu, '#');
}
