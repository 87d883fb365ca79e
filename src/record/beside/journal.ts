/** What the extension has seen: the newest events of each kind, each of bounded size. */
import type { ObservedEvent, ObservedKind } from '../../contracts/recorded.ts';
import { toText } from '../../proc/bytes.ts';

/** Of one kind: a flood of one does not push out another. */
const MAX_EVENTS = 96;
/** Words and characters of one event. */
const MAX_WORDS = 32;
const MAX_CHARACTERS = 1024;

export type Told = Pick<ObservedEvent, 'pid' | 'argv' | 'lineage' | 'detail'>;

export interface Journal {
  /** Number of the invocation that began last. */
  invocation: number;
  /** @param subject - as bytes: names of files are no text */
  readonly put: (kind: ObservedKind, subject: string, told: Told) => void;
  readonly all: () => readonly ObservedEvent[];
  /** Events that newer ones of their kind have pushed out. */
  readonly left: () => Readonly<Partial<Record<ObservedKind, number>>>;
}

export function openJournal(): Journal {
  const kept = new Map<ObservedKind, ObservedEvent[]>();
  const left: Partial<Record<ObservedKind, number>> = {};
  let sequence = 0;
  const journal: Journal = {
    invocation: 0,
    put: (kind, subject, told) => {
      sequence += 1;
      const events = kept.get(kind) ?? [];
      kept.set(kind, events);
      if (events.length === MAX_EVENTS) {
        events.shift();
        left[kind] = (left[kind] ?? 0) + 1;
      }
      const { invocation } = journal;
      const head = { observer: 'extension', sequence, timeMs: Date.now(), invocation, kind, count: 1 } as const;
      events.push({ ...head, ...told, ...fitting(subject, told.argv) });
    },
    all: () => [...kept.values()].flat().sort((one, other) => one.sequence - other.sequence),
    left: () => left,
  };
  return journal;
}

/** Subject and arguments in their bounds, and how much was cut. */
function fitting(
  subject: string,
  argv: readonly string[] | undefined,
): Pick<ObservedEvent, 'subject' | 'argv' | 'cut'> {
  let room = MAX_CHARACTERS;
  let cut = 0;
  const fit = (bytes: string): string => {
    const part = bytes.slice(0, room);
    cut += bytes.length - part.length;
    room -= part.length;
    return toText(part);
  };
  const shown = fit(subject);
  const words = argv?.slice(0, MAX_WORDS).map(fit);
  for (const beyond of argv?.slice(MAX_WORDS) ?? []) cut += beyond.length;
  return { subject: shown, ...(words === undefined ? {} : { argv: words }), ...(cut === 0 ? {} : { cut }) };
}
