/** Which code did it, by the stack at that moment. What goes on after a wait has no frame of its cause any more. */
import { kept } from './kept.ts';

const { getCallSites } = kept;

/** Ours and those of Node stand first: this many are needed to reach the code of the function. */
const FRAMES = 12;
const MAX_NAMES = 3;
const MAX_NAME = 66;
const HEAD = 20;

/** Paths and URLs of the code that called Node, nearest first. */
export function origin(): readonly string[] {
  const frames = getCallSites(FRAMES);
  let at = 0;
  while (at < frames.length && !isOfNode(frames[at]?.scriptName)) at += 1;
  while (at < frames.length && isOfNode(frames[at]?.scriptName)) at += 1;
  const names: string[] = [];
  for (; at < frames.length && names.length < MAX_NAMES; at += 1) {
    const script = frames[at]?.scriptName;
    if (script === undefined || isOfNode(script)) continue;
    const name = nameOf(script);
    if (names.at(-1) !== name) names.push(name);
  }
  return names;
}

function isOfNode(script: string | undefined): boolean {
  return script?.startsWith('node:') === true;
}

/** Code in a URL is not copied. A long path keeps its beginning, which says where it lies, and its end. */
export function nameOf(script: string): string {
  if (script === '') return 'eval';
  if (script.startsWith('data:')) return 'data:';
  if (script === 'evalmachine.<anonymous>') return 'vm';
  const path = script.startsWith('file://') ? script.slice('file://'.length) : script;
  const [plain = ''] = path.split(/[?#]/u, 1);
  return plain.length <= MAX_NAME ? plain : `${plain.slice(0, HEAD)}..${plain.slice(HEAD + 2 - MAX_NAME)}`;
}
