/**
 * Where a stored link may lead. The target of a link is the attacker's text: extracted with `tar -x`, a link to `/`
 * would lead every tool that follows links out of the evidence and into the analyst's own machine.
 */
import type { BytePath } from '../contracts/evidence.ts';

/** Below this folder of the tarball lies the sandbox's own tree. */
const ROOT = '[root]';
/** Stands for the target of a link for which none is safe. It names nothing. */
export const NOWHERE = '.amber-no-target';

/** Rewrites targets of links, one tarball at a time. */
export class LinkTargets {
  /** Paths that were stored as links: what lies below one is not where its path says. */
  readonly #links = new Set<BytePath>();

  /**
   * The target to store for the link at `path`: a path below `[root]`, relative, with `..` at its beginning alone and
   * never more of them than there are folders above the link. An absolute target is meant from `[root]`.
   */
  store(path: BytePath, target: BytePath): BytePath {
    const stored = this.#isBelowLink(path) ? NOWHERE : rebased(path, target);
    this.#links.add(path);
    return stored;
  }

  #isBelowLink(path: BytePath): boolean {
    for (let at = path.lastIndexOf('/'); at > 0; at = path.lastIndexOf('/', at - 1))
      if (this.#links.has(path.slice(0, at))) return true;
    return false;
  }
}

function rebased(path: BytePath, target: BytePath): BytePath {
  if (!target.startsWith('/') && !/(?:^|\/)\.\.(?:\/|$)/u.test(target)) return target;
  const folders = path.split('/').slice(0, -1);
  const isBelowRoot = folders[0] === ROOT;
  const here = isBelowRoot ? folders.slice(1) : folders;
  const there = target.startsWith('/') ? [] : [...here];
  for (const part of target.split('/')) {
    if (part === '..')
      there.pop(); // `/..` is `/` (path_resolution(7))
    else if (part !== '' && part !== '.') there.push(part);
  }
  const up = here.map(() => '..');
  const down = isBelowRoot || !target.startsWith('/') ? there : [ROOT, ...there];
  return [...up, ...down].join('/') || '.';
}
