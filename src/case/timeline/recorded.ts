/** Events of the black box as events of a timeline. Every process of the sandbox could have written them. */
import { microseconds, type TimelineEvent } from './event.ts';
import { field, text } from '../view/process-tree.ts';

/** What each kind says, in front of its subject. */
const WORDS: Readonly<Record<string, string>> = {
  begin: 'Recorder began:',
  away: 'Recorder has no hook for',
  limit: 'Recorder left out events of',
  spawn: 'Child started:',
  execve: 'Process turned into',
  fork: 'Process forked',
  connect: 'Connection to',
  datagram: 'Datagram to',
  resolve: 'Name looked up:',
  request: 'Request:',
  listen: 'Listens on',
  worker: 'Thread started',
  vm: 'Script run by node:vm',
  code: 'Code run:',
  addon: 'Native code loaded:',
  module: 'Module loaded:',
  read: 'File read:',
  write: 'File written:',
  signal: 'Signal sent:',
  unpickle: 'Unpickled:',
  heap: 'Objects of the process listed',
  builtin: 'Built-in replaced:',
  method: 'Method replaced:',
  prototype: 'Prototype polluted:',
  variable: 'Variable changed:',
  hook: 'Hook set or silenced:',
  inspector: 'Debugger listens on',
  unseen: 'Children that nobody saw:',
  stdio: 'Output moved:',
  traced: 'Runtime traced by',
  mapped: 'Code mapped:',
};

/** One sentence: what happened, how often until then, and which code did it. */
export function recordedText(row: unknown): string {
  const kind = text(field(row, 'kind'));
  const count = field(row, 'count');
  const origin = field(row, 'origin');
  const argv = field(row, 'argv');
  const words = Array.isArray(argv) && argv.length > 0 ? argv.map(text).join(' ') : text(field(row, 'subject'));
  const subject = kind === 'spawn' || kind === 'execve' ? `${text(field(row, 'subject'))} (${words})` : words;
  return [
    `${WORDS[kind] ?? kind} ${subject}${field(row, 'cut') === undefined ? '' : '…'}`.trim(),
    ...(typeof count === 'number' && count > 1 ? [`time ${count}`] : []),
    ...(Array.isArray(origin) && origin.length > 0 ? [`by ${origin.map(text).join(' < ')}`] : []),
  ].join(', ');
}

export function recordedEvents(row: unknown): readonly TimelineEvent[] {
  const kind = text(field(row, 'kind'));
  if (kind === '' || field(row, 'box') !== undefined) return [];
  return [
    {
      timestamp: microseconds(field(row, 'timeMs')),
      timestamp_desc: 'Event Recorded',
      data_type: 'amber:recorded',
      message: recordedText(row),
      tag: ['recorded', kind],
      more: {
        kind,
        pid: field(row, 'pid'),
        invocation: field(row, 'invocation'),
        ring: field(row, 'ring'),
        sequence: field(row, 'sequence'),
      },
    },
  ];
}
