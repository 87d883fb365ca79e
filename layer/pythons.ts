/** The Pythons of this machine: on PATH, where distributions put them, and those of pyenv. */
import { spawnSync } from 'node:child_process';
import { globSync } from 'node:fs';
import { homedir } from 'node:os';

const PLACES = ['/usr/bin', '/usr/local/bin', '/opt/python*/bin', `${homedir()}/.pyenv/versions/*/bin`];
const known = new Map<string, string | undefined>();

/**
 * The program of this version, `3.12`, if it runs.
 *
 * @param given - is asked alone, where somebody names it
 */
export function pythonOf(version: string, given?: string): string | undefined {
  const key = `${version} ${given ?? ''}`;
  if (!known.has(key)) known.set(key, find(version, given));
  return known.get(key);
}

function find(version: string, given: string | undefined): string | undefined {
  const name = `python${version}`;
  const found = given === undefined ? [name, ...globSync(PLACES.map((place) => `${place}/${name}`)).sort()] : [given];
  return found.find((program) => {
    const { stdout } = spawnSync(program, ['-c', 'import sys; print("%d.%d" % sys.version_info[:2])'], {
      encoding: 'utf8',
    });
    return stdout === `${version}\n`;
  });
}
