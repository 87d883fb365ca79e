/** What the names of folders say of a capture, and where manifest.json says otherwise. */
import type { CaptureManifest } from '../../seal/commit.ts';
import { captureFolder } from '../../ship/key.ts';
import { field } from '../view/process-tree.ts';

/** `capture=ID` as stored, `capture-ID` as `amber pull` names a folder. */
const IN_PATH = /(?:^|\/)(?:capture=([^/]+)|capture-([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}))(?:\/[^/]*)?$/u;

/** What the folder's own names say: `…/function=NAME/date=…/capture=ID/`. */
export function placeOf(location: string): { captureId: string | undefined; functionName: string | undefined } {
  const [, stored, pulled] = IN_PATH.exec(location) ?? [];
  return { captureId: stored ?? pulled, functionName: /(?:^|\/)function=([^/]+)\//u.exec(location)?.[1] };
}

/** The id of the capture in the name of its folder. */
export function idInPath(location: string): string | undefined {
  return placeOf(location).captureId;
}

/** What the names of the folders say otherwise than manifest.json, one sentence each. A reader may ask by them. */
export function misplacedIn(location: string, { captureId, identity }: CaptureManifest): readonly string[] {
  const place = placeOf(location);
  const name = field(identity, 'functionName');
  const told =
    typeof name === 'string'
      ? captureFolder({ captureId, functionName: name, account: '', region: '', date: '' })[2]?.slice(
          'function='.length,
        )
      : undefined;
  const differs = (what: string, folder: string | undefined, inside: string | undefined): readonly string[] =>
    folder === undefined || inside === undefined || folder === inside
      ? []
      : [`the folder is that of ${what} ${folder}, manifest.json is of ${inside}: the capture was moved or renamed`];
  return [...differs('capture', place.captureId, captureId), ...differs('function', place.functionName, told)];
}

/** The first 48 bits of a UUIDv7 are milliseconds since the epoch (RFC 9562 section 5.7). */
export function timeOfId(id: string): string | undefined {
  const [, high, low] = /^([0-9a-f]{8})-([0-9a-f]{4})-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}$/u.exec(id) ?? [];
  return high === undefined || low === undefined ? undefined : new Date(Number.parseInt(high + low, 16)).toISOString();
}
