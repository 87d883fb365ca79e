import type { Hunt } from './contracts.ts';
import { many } from '../many.ts';

const WINDOW_MS = 900_000;
/** One action that is denied again and again is a mistake in the role; several are somebody who tries. */
const ACTIONS = 3;

/** 17 */
export const probing: Hunt = {
  id: 'permission-probing',
  title: 'The role is tried out: several actions denied in a short time',
  technique: 'T1580',
  severity: 'high',
  benign: 'One permission that the role lacks, however often it is denied.',
  query:
    'filter @message like /is not authorized to ' +
    'perform|AccessDenied|UnrecognizedClient|ExpiredToken|InvalidClientTokenId/ | parse @message ' +
    '/perform: (?<act>\\S+)/ | stats count(*) as n, min(@timestamp) as first by act, bin(15m) | sort n ' +
    'desc | limit 1000',
  matcher: () => {
    let recent: { action: string; at: number }[] = [];
    let toldAt = -WINDOW_MS;
    return {
      see: ({ message, timestamp }) => {
        const action = /is not authorized to perform: ([a-z0-9-]+:[A-Za-z0-9]+)/u.exec(message)?.[1];
        if (action === undefined) return undefined;
        recent = recent.filter((one) => one.action !== action && Math.abs(timestamp - one.at) <= WINDOW_MS).slice(-50);
        recent.push({ action, at: timestamp });
        if (recent.length < ACTIONS || Math.abs(timestamp - toldAt) < WINDOW_MS) return undefined;
        toldAt = timestamp;
        return (
          `${many(recent.length, 'different action')} denied within 15 minutes: ` +
          `` +
          recent.map((one) => one.action).join(', ')
        );
      },
    };
  },
};
