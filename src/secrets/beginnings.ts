/** Values that were cut where a credential begins. */
import { SHAPES } from './shape-table.ts';

const UNFINISHED =
  /^(?:-{4,5} ?BEGIN[ A-Z0-9]{0,60}-{0,5}|[a-z][a-z0-9+.-]{1,20}:\/{0,2}(?:[^@/\s]{0,200}:)?|bearer|basic|AWS4-HMAC-SHA256)$/iu;
/** A lead and fewer characters than this behind it say nothing of one secret. */
const TELLING = 4;

/**
 * True for what is only the beginning of a shape (`-----BEGIN`, `sk_live_`, `https://`): somebody's value was cut
 * there. If it were searched for everywhere, it would break up the secrets that begin with it.
 */
export function isBeginning(value: string): boolean {
  if (value.length > 80) return false;
  if (UNFINISHED.test(value)) return true;
  return SHAPES.some(({ leads }) =>
    leads.some(
      (lead) =>
        lead.length > TELLING &&
        (lead.startsWith(value) || (value.startsWith(lead) && value.length < lead.length + TELLING)),
    ),
  );
}
