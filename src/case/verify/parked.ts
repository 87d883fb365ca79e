/**
 * Objects that were parked in a sandbox and sent in its next life: only the log can tell whether they are what was
 * parked.
 */
import type { CheckList } from './checks.ts';
import { byLog, type GivenLog } from './given-log.ts';
import type { OpenCapture } from '../store/open.ts';
import { readWhole } from '../store/store.ts';
import type { Digests } from './outside.ts';
import { many } from '../../many.ts';

const NOTE = 'parked.json';
const MAX_NOTE = 1024 * 1024;

export interface ParkedNote {
  /** False: there is a file of that name, and it is no such note. */
  readonly usable: boolean;
  readonly captureId: string | undefined;
  readonly names: ReadonlySet<string>;
}

/** The note beside parked objects; undefined where nothing was parked. */
export async function readParkedNote(capture: OpenCapture): Promise<ParkedNote | undefined> {
  if (!capture.objects.some(({ name }) => name === NOTE)) return undefined;
  const bytes = await readWhole(capture.store, NOTE, MAX_NOTE);
  try {
    const { amber, captureId, segments } = JSON.parse(bytes.toString('utf8')) as {
      amber?: unknown;
      captureId?: unknown;
      segments?: unknown;
    };
    if (amber !== 'parked' || !Array.isArray(segments))
      return { usable: false, captureId: undefined, names: new Set() };
    return {
      usable: true,
      captureId: typeof captureId === 'string' ? captureId : undefined,
      names: new Set(segments.map((segment) => String((segment as { name?: unknown } | null)?.name))),
    };
  } catch {
    return { usable: false, captureId: undefined, names: new Set() };
  }
}

export function checkParked(note: ParkedNote | undefined, checks: CheckList, digests: Digests, given: GivenLog): void {
  if (note === undefined) {
    checks.ok('parked', 'nothing of it was parked');
    return;
  }
  if (!note.usable) {
    checks.fail('parked', `${NOTE} is no such note`);
    return;
  }
  // A directory holds the joined file: its bytes are those of the one segment.
  const parts = [...digests.bySegment].filter(
    ([part]) => note.names.has(part.object) || (part.number === undefined && note.names.size === 1),
  );
  const { log } = given;
  if (log === undefined || parts.length === 0) {
    const why = byLog(given, {
      advice: 'unverified without the log (--log FILE)',
      said: () => 'unverified, for none of them is here',
    });
    checks.skip(
      'parked',
      `${many(
        note.names.size,
        'segment lay in /tmp of the sandbox before it was sent',
        'segments lay in /tmp of the sandbox before they were sent',
      )}, within reach of its code: ${why}`,
    );
    return;
  }
  for (const [part, { sha256 }] of parts) {
    const number = part.number ?? Number(/\d+/u.exec([...note.names][0] ?? '')?.[0]);
    if (log.segments.get(number)?.sha256.has(sha256) === true) continue;
    checks.fail(
      'parked',
      `${part.object} is ${sha256}, and the log knows no such digest: it was changed or forged while it was parked`,
    );
  }
  checks.ok(
    'parked',
    `${many(parts.length, 'segment was parked, and has', 'segments were parked, and have')} the digest that was ` +
      `logged before`,
  );
}
