/** The capture that a command is given: LOCATION, LOCATION ID, or the beginning of an id alone. */
import { existsSync } from 'node:fs';
import { OPTIONS } from '../config/config.ts';
import { onePositional, type Invocation } from './command.ts';

/** As in src/case/store/locate.ts, which is loaded later: four characters at least. */
const SHORT_ID = /^[0-9a-f](?:-?[0-9a-f]){3,31}$/iu;

/**
 * A location whose last part may be the beginning of an id. An id alone is looked for below AMBER_DESTINATION, or below
 * the folder that one is in.
 *
 * @throws AmberError USAGE.
 */
export function captureLocation({ positionals, ...rest }: Invocation): string {
  const [first = '', second, ...others] = positionals;
  if (second !== undefined && others.length === 0 && SHORT_ID.test(second))
    return `${first.replace(/\/+$/u, '')}/${second}`;
  const location = onePositional({ positionals, ...rest }, 'LOCATION');
  const destination = process.env[OPTIONS.destination.env] ?? '';
  if (destination === '' || !SHORT_ID.test(location) || existsSync(location)) return location;
  return `${destination.replace(/\/+$/u, '')}/${location}`;
}
