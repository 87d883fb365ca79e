/** A smaller copy of a JSON-like value, with a mark at each place where something was left out. */
import { many } from '../many.ts';

/** Deeper values and more nodes than these are left out at any level: the copy is bounded, whatever the value is. */
const MAX_DEPTH = 12;
const MAX_NODES = 200_000;

export interface Pruned {
  readonly value: unknown;
  readonly pruned: boolean;
}

/** Keeps at most this many members of each array and object, and this many characters of each text. */
export function prune(value: unknown, members: number, characters: number): Pruned {
  const state = { members, characters, nodes: 0, pruned: false };
  const copied = copy(value, 0, state);
  return { value: copied ?? null, pruned: state.pruned };
}

interface State {
  readonly members: number;
  readonly characters: number;
  nodes: number;
  pruned: boolean;
}

function copy(value: unknown, depth: number, state: State): unknown {
  state.nodes++;
  if (typeof value === 'string') return value.length <= state.characters ? value : cutText(value, state);
  if (typeof value === 'bigint') return String(value);
  if (typeof value !== 'object' || value === null) return value;
  if (depth >= MAX_DEPTH || state.nodes > MAX_NODES) {
    state.pruned = true;
    return '[left out]';
  }
  return Array.isArray(value) ? copyArray(value, depth, state) : copyObject(value, depth, state);
}

function cutText(value: string, state: State): string {
  state.pruned = true;
  return `${value.slice(0, state.characters)} [${many(value.length - state.characters, 'more character')}]`;
}

function copyArray(value: readonly unknown[], depth: number, state: State): unknown[] {
  const kept = value.slice(0, state.members).map((member) => copy(member, depth + 1, state));
  if (value.length > kept.length) {
    state.pruned = true;
    kept.push(`[${String(value.length - kept.length)} more]`);
  }
  return kept;
}

function copyObject(value: object, depth: number, state: State): unknown {
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? null : value.toISOString();
  const entries = Object.entries(value);
  const kept: [string, unknown][] = entries
    .slice(0, state.members)
    .map(([key, member]) => [key.slice(0, 256), copy(member, depth + 1, state)]);
  if (entries.length > kept.length) {
    state.pruned = true;
    kept.push(['[more]', entries.length - kept.length]);
  }
  return Object.fromEntries(kept);
}
