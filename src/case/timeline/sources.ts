/**
 * Where the events of a timeline come from: which entries of a capture or a collection, and what each line of them
 * tells. A new one is one object here.
 */
import { controlPlaneEvents } from './control.ts';
import { cloudtrailEvents, guardDutyEvents, logEvents } from './cloud.ts';
import { dateText, microseconds, type TimelineEvent } from './event.ts';
import { bodyfileEvents } from './files.ts';
import { recordedEvents } from './recorded.ts';
import { field, text } from '../view/process-tree.ts';

export interface TimelineSource {
  readonly name: string;
  readonly description: string;
  /** Its entries in the tarball. */
  readonly path: RegExp;
  /** `rows`: JSON lines; `document`: one JSON document; `lines`: text. */
  readonly form: 'rows' | 'document' | 'lines';
  /** The events of a row, a document, a line. Nothing for what is none: the writer of the tarball wrote it. */
  readonly events: (value: unknown, path: string) => readonly TimelineEvent[];
  /** Read only for paths that the source before it did not tell of: it has the same events, less exact. */
  readonly fallback?: boolean;
}

export const TIMELINE_SOURCES: readonly TimelineSource[] = [
  {
    name: 'capture',
    description: 'Begin and end of captures and collections, with their cause.',
    path: /^timeline\/timeline\.jsonl$/u,
    form: 'rows',
    events: ownRows((type) => type === 'amber:capture'),
  },
  {
    name: 'processes',
    description: 'Starts of processes that ran in the sandbox.',
    path: /^timeline\/timeline\.jsonl$/u,
    form: 'rows',
    events: ownRows((type) => type === 'amber:process'),
  },
  {
    name: 'files',
    description: 'Times of every path of /tmp and /dev/shm (those of a code tree are left out).',
    path: /^timeline\/timeline-\d{4,9}\.jsonl$/u,
    form: 'rows',
    events: ownRows((type) => type === 'fs:stat'),
  },
  {
    name: 'files',
    description: '',
    path: /^bodyfile\/bodyfile(?:-\d{4,9})?\.txt$/u,
    form: 'lines',
    events: bodyfileEvents,
    fallback: true,
  },
  {
    name: 'findings',
    description:
      'What the detectors found, at the time of the thing itself; where that is not known, of the capture that ' +
      'tells of it.',
    path: /^live_response\/findings(?:-late)?-ocsf\.jsonl$/u,
    form: 'rows',
    events: findingEvents,
  },
  {
    name: 'recorded',
    description:
      'Events of the black box: children, connections, requests, modules, changes, by the clock of the process.',
    path: /^live_response\/events\.jsonl$/u,
    form: 'rows',
    events: recordedEvents,
  },
  {
    name: 'logs',
    description: 'Events of collected log streams.',
    path: /^logs\/.+-\d{4,9}\.jsonl$/u,
    form: 'rows',
    events: logEvents,
  },
  {
    name: 'cloudtrail',
    description: 'CloudTrail events; one that was found by several queries is told once.',
    path: /^cloudtrail\/.+-\d{4,9}\.jsonl$/u,
    form: 'rows',
    events: cloudtrailEvents,
  },
  {
    name: 'guardduty',
    description: 'GuardDuty findings: when they were made, first and last seen.',
    path: /^guardduty\/findings\.jsonl$/u,
    form: 'rows',
    events: guardDutyEvents,
  },
  {
    name: 'control-plane',
    description: 'When versions, layers, roles, policies, URLs and event sources were made and changed.',
    path: /^control_plane\/.+\.json$/u,
    form: 'document',
    events: controlPlaneEvents,
  },
];

export const SOURCE_NAMES: readonly string[] = [...new Set(TIMELINE_SOURCES.map(({ name }) => name))];

const OWN_COLUMNS: ReadonlySet<string> = new Set([
  'message',
  'datetime',
  'timestamp',
  'timestamp_desc',
  'data_type',
  'tag',
]);

/** Rows that the capture has made for Timesketch itself. */
function ownRows(wanted: (dataType: string) => boolean): TimelineSource['events'] {
  return (row) => {
    const dataType = text(field(row, 'data_type'));
    const timestamp = field(row, 'timestamp');
    const message = text(field(row, 'message'));
    if (!wanted(dataType) || typeof timestamp !== 'number' || message === '') return [];
    const tags = field(row, 'tag');
    const more = Object.fromEntries(
      Object.entries(row as Record<string, unknown>).filter(([name]) => !OWN_COLUMNS.has(name)),
    );
    const begun = dataType === 'amber:capture' ? /^Capture (\S+) started/u.exec(message)?.[1] : undefined;
    return [
      {
        ...(begun === undefined ? {} : { key: `begin:${begun}` }), // manifest.json tells of it, too
        timestamp,
        message,
        timestamp_desc: text(field(row, 'timestamp_desc')),
        data_type: dataType,
        tag: Array.isArray(tags) ? tags.map(text) : [],
        more,
      },
    ];
  };
}

function findingEvents(row: unknown): readonly TimelineEvent[] {
  const info = field(row, 'finding_info');
  const severity = text(field(row, 'severity')).toLowerCase();
  const attacks = field(info, 'attacks');
  const technique = text(field(field(Array.isArray(attacks) ? attacks[0] : undefined, 'technique'), 'uid'));
  const told = microseconds(field(row, 'time'));
  const began = microseconds(field(info, 'first_seen_time'));
  return [
    {
      ...(Number.isNaN(began)
        ? { timestamp: told, timestamp_desc: 'Finding Told at Capture Time' }
        : { timestamp: began, timestamp_desc: beganAs(row) }),
      data_type: 'amber:finding',
      message: `${severity} finding: ${text(field(row, 'message'))}`,
      tag: ['finding', severity],
      more: {
        detector: text(field(field(info, 'analytic'), 'uid')),
        technique,
        severity,
        ...(Number.isNaN(began) || Number.isNaN(told) ? {} : { told_at: dateText(told) }),
      },
    },
  ];
}

/** What began: a process has the time of its start beside it. */
function beganAs(row: unknown): string {
  const evidences = field(row, 'evidences');
  const started =
    Array.isArray(evidences) && evidences.some((one) => field(field(one, 'process'), 'created_time') !== undefined);
  return started ? 'Finding: Start of the Process' : 'Finding: Birth or Last Change of the File';
}
