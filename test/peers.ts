/** Peers: programs that Amber did not write and is proven against. Absent ones are named; CI must have them all. */
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';

interface Skippable {
  skip: (message: string) => void;
}

/** True if `program` is on PATH. */
export function hasPeer(program: string): boolean {
  const folders = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/sbin', '/sbin'];
  return folders.some((folder) => {
    try {
      accessSync(join(folder, program), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

/** Skips the test, saying what was not run, when a peer is absent; fails it where REQUIRE_PEERS=1 (CI). */
export function requirePeer(t: Skippable, ...programs: readonly string[]): boolean {
  const absent = programs.filter((program) => !hasPeer(program));
  if (absent.length === 0) return true;
  return missing(t, absent.join(', '));
}

/** The same for something that is no program on PATH: pass what is needed in words. */
export function missing(t: Skippable, what: string): false {
  if (process.env['REQUIRE_PEERS'] === '1')
    throw new Error(`needs ${what}, and REQUIRE_PEERS=1 forbids to go on without`);
  t.skip(`not run: needs ${what}`);
  return false;
}
