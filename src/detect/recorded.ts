/** What detectors share about recorded events. A process with the uid can write a ring: these come by memory. */
import type { Observation } from '../contracts/evidence.ts';
import type { RecordedEvent, RecordedKind } from '../contracts/recorded.ts';

export function eventsOf({ recorded }: Observation, kinds: readonly RecordedKind[]): readonly RecordedEvent[] {
  return (recorded?.events ?? []).filter(({ kind }) => kinds.includes(kind));
}

/** Names the event by its number, as `live_response/events.jsonl` has it. */
export function eventEvidence(event: RecordedEvent): string[] {
  const { sequence, timeMs, kind, subject, argv, origin = [], invocation, count } = event;
  const what = [subject, ...(argv?.slice(1) ?? [])].join(' ');
  return [
    `event ${sequence}: ${kind} ${what}`,
    `event ${sequence}: at ${timeText(timeMs)}, invocation ${invocation}, the ${count}. time`,
    ...(origin.length === 0 ? [] : [`event ${sequence}: by ${origin.join(' < ')}`]),
  ];
}

function timeText(ms: number): string {
  return Math.abs(ms) <= 8.64e15 ? new Date(ms).toISOString() : String(ms);
}

/** What a child was given, as far as it is known: the last word of a text that was cut may be another one. */
export function knownArgv({ argv, subject, cut }: RecordedEvent): readonly string[] {
  const words = [subject, ...(argv?.slice(1) ?? [])];
  const last = words.at(-1) ?? '';
  return cut === undefined ? words : [...words.slice(0, -1), last.replace(/\S*$/u, '')];
}

/** Code that stands in no file. */
export function isNowhere({ origin }: RecordedEvent): boolean {
  return /^(?:eval|vm|data:)$/u.test(origin?.[0] ?? '');
}
