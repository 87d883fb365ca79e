/** The paths that the inventory of a capture names, and which of them nothing else was heard of. */
import type { BytePath } from '../../contracts/evidence.ts';
import { displayName } from '../../fs/names.ts';

/** `bodyfile/bodyfile.txt` and what follows it: /tmp and /dev/shm. Code has a bodyfile of its own. */
const BODYFILE = /^bodyfile\/bodyfile(?:-\d+)?\.txt$/u;
const ROOT = '[root]';
const MAX_PATHS = 1_000_000;
const MAX_BYTES = 128 * 1024 * 1024;
const MAX_LINE = 64 * 1024;

export class Inventory {
  readonly #unseen = new Set<string>();
  #bytes = 0;
  #rest = '';
  #reading = false;
  /** Paths in the inventory. */
  listed = 0;
  /** Paths that were too many to be kept. */
  beyond = 0;

  /** An entry begins. */
  begin(path: BytePath): void {
    this.#reading = BODYFILE.test(path);
    this.#rest = '';
  }

  body(piece: Buffer): void {
    if (!this.#reading) return;
    // One byte a character: a line may be cut anywhere, and the keys are compared in the same form.
    const lines = (this.#rest + piece.toString('latin1')).split('\n');
    this.#rest = (lines.pop() ?? '').slice(0, MAX_LINE);
    for (const line of lines) this.#list(line);
  }

  /** Something else was heard of this path: an entry, or a line of its own. */
  seen(path: BytePath): void {
    if (this.#unseen.size === 0 || !path.startsWith(ROOT)) return;
    const shown = displayName(path.slice(ROOT.length).replace(/\/$/u, ''));
    this.#unseen.delete(Buffer.from(shown, 'utf8').toString('latin1'));
  }

  /** Paths in the form of the inventory of which nothing else was heard. */
  *missing(): Generator<string> {
    for (const path of this.#unseen) yield Buffer.from(path, 'latin1').toString('utf8');
  }

  get unseen(): number {
    return this.#unseen.size;
  }

  /** `MD5|name|inode|…`; a `|` or `->` of a name is escaped, so that ` -> ` begins the target of a link. */
  #list(line: string): void {
    const [, name] = line.split('|', 2);
    if (name === undefined || name === '') return;
    this.listed += 1;
    const arrow = name.indexOf(' -> ');
    const path = arrow < 0 ? name : name.slice(0, arrow);
    this.#bytes += path.length;
    if (this.#unseen.size >= MAX_PATHS || this.#bytes > MAX_BYTES) this.beyond += 1;
    else this.#unseen.add(Buffer.from(path, 'latin1').toString('latin1')); // a copy: a part of a string keeps all of it
  }
}
