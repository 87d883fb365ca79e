/** What a command passed over, one line each. What could not be read is exit code 3 where all else is well. */
import { renderText } from '../case/view/safe-names.ts';
import type { LeaveOut } from '../case/store/store.ts';
import type { Output } from './output.ts';

/** Said by every command that reads all captures at a place. */
export const LEFT_OUT = `What cannot be read (a folder, manifest.json, a name that is no UTF-8) is one line
\`NOT READ\`, and everything else is read. A symbolic link is one line \`NOT FOLLOWED\`, and changes no exit
code but that of a capture that a log names: it may lie behind the link.`;

export interface LeftOutLines {
  readonly leave: LeaveOut;
  readonly unread: readonly string[];
  readonly notFollowed: readonly string[];
}

/** Lines that are told, and kept for the JSON document: who fills a folder must not fill the memory. */
const MAX_LINES = 1000;
const MAX_PATH = 4096;

/** Tells each path once, also where a place is walked twice. */
export function leftOutLines(out: Output): LeftOutLines {
  const [unread, notFollowed]: [string[], string[]] = [[], []];
  const told = new Set<string>();
  const leave: LeaveOut = ({ path, kind, why }) => {
    const lines = kind === 'link' ? notFollowed : unread;
    if (told.has(path) || lines.length > MAX_LINES) return;
    told.add(path);
    const word = kind === 'link' ? 'NOT FOLLOWED' : 'NOT READ';
    const line = lines.length < MAX_LINES ? `${renderText(path, MAX_PATH)}: ${why}` : 'there is more that is not named';
    lines.push(line);
    out.note(`${word}: ${line}`);
  };
  return { leave, unread, notFollowed };
}
