/**
 * Events of a timeline out of the documents of the control plane: every time in them that says when something was made
 * or changed.
 */
import { text } from '../view/process-tree.ts';
import { microseconds, type TimelineEvent } from './event.ts';

/** Members of the answers of Lambda and IAM that are such times. */
const TIMES: Readonly<Record<string, string>> = {
  LastModified: 'changed',
  LastModifiedTime: 'changed',
  UpdateDate: 'changed',
  UpdatedAt: 'changed',
  CreatedDate: 'made',
  CreateDate: 'made',
  CreationTime: 'made',
  CreatedAt: 'made',
  LastUsedDate: 'last used',
};
/** What names the thing, the most telling first. */
const NAMES = [
  'FunctionUrl',
  'LayerVersionArn',
  'EventSourceArn',
  'FunctionArn',
  'Arn',
  'PolicyName',
  'RoleName',
  'UUID',
  'Name',
];
const MAX_DEPTH = 8;
const MAX_NODES = 20_000;

export function controlPlaneEvents(document: unknown, path: string): readonly TimelineEvent[] {
  const events: TimelineEvent[] = [];
  let nodes = 0;
  const walk = (value: unknown, name: string, depth: number): void => {
    if (typeof value !== 'object' || value === null || depth > MAX_DEPTH || (nodes += 1) > MAX_NODES) return;
    const own = Array.isArray(value) ? name : nameOf(value as Record<string, unknown>, name);
    for (const [key, inner] of Object.entries(value)) {
      const meaning = Object.hasOwn(TIMES, key) ? TIMES[key] : undefined;
      const timestamp =
        meaning === undefined ? Number.NaN : microseconds(typeof inner === 'number' ? inner * 1000 : inner);
      if (meaning !== undefined && !Number.isNaN(timestamp))
        events.push(event({ timestamp, meaning, key, name: own, path }));
      else walk(inner, own, depth + 1);
    }
  };
  walk(document, path.replace(/^control_plane\//u, '').replace(/\.json$/u, ''), 0);
  return events;
}

function event({
  timestamp,
  meaning,
  key,
  name,
  path,
}: {
  readonly timestamp: number;
  readonly meaning: string;
  readonly key: string;
  readonly name: string;
  readonly path: string;
}): TimelineEvent {
  return {
    timestamp,
    timestamp_desc: `Control Plane ${key}`,
    data_type: 'aws:control-plane',
    message: `${name} was ${meaning}`,
    tag: ['control-plane'],
    key: `control:${name}:${key}`,
    more: { resource: name, evidence: path },
  };
}

/** @param outer - the thing that this one is a part of */
function nameOf(value: Readonly<Record<string, unknown>>, outer: string): string {
  const key = NAMES.find((one) => text(value[one]) !== '');
  if (key !== undefined) return text(value[key]);
  const version = text(value['VersionId']);
  return version === '' ? outer : `${outer} version ${version}`;
}
