/**
 * capture.json, the first entry of a capture, held against manifest.json: the log attests its segment, even where it
 * has no digest of the manifest.
 */
import { holdsMark } from '../../secrets/mark.ts';
import type { CaptureManifest } from '../../seal/commit.ts';
import { parseJson } from '../tar/bounded-json.ts';
import type { CheckList } from './checks.ts';
import { field } from '../view/process-tree.ts';
import type { TarEntry } from '../tar/header.ts';

/** It is a few KiB; a command line in the reason of an order may add some. */
const MAX_BYTES = 1024 * 1024;
const MAX_DEPTH = 16;
const MAX_SHOWN = 120;

export class CaptureDocument {
  #pieces: Buffer[] | undefined;
  #value: unknown;

  begin({ path, size }: TarEntry): void {
    this.#pieces = path === 'capture.json' && this.#value === undefined && size <= MAX_BYTES ? [] : undefined;
  }

  push(piece: Buffer): void {
    this.#pieces?.push(Buffer.from(piece));
  }

  end(): void {
    if (this.#pieces !== undefined) this.#value = parseJson(Buffer.concat(this.#pieces).toString('utf8'));
    this.#pieces = undefined;
  }

  /** What both tell must be the same. A redacted text says nothing. */
  compare(manifest: CaptureManifest, checks: CheckList): void {
    const value = this.#value;
    if (field(value, 'captureId') === undefined) return;
    const pairs: readonly (readonly [string, unknown, unknown])[] = [
      ['captureId', field(value, 'captureId'), manifest.captureId],
      ['started', field(value, 'started'), manifest.clocks.started],
      ...(['identity', 'cause', 'tool'] as const).map((name) => [name, field(value, name), manifest[name]] as const),
    ];
    for (const [name, inside, outside] of pairs) {
      for (const at of inside === undefined ? [] : contradictions(name, inside, outside)) {
        checks.fail(
          'header',
          `${at.name} is ${shown(at.outside)} in manifest.json, ${shown(at.inside)} in capture.json`,
        );
      }
    }
    checks.ok('header', 'id, start, cause, identity and tool');
  }
}

interface Contradiction {
  readonly name: string;
  readonly inside: unknown;
  readonly outside: unknown;
}

/** Every leaf that differs, by the names that lead to it. */
function contradictions(name: string, inside: unknown, outside: unknown, depth = 0): readonly Contradiction[] {
  if (isObject(inside) && isObject(outside) && depth < MAX_DEPTH) {
    const keys = new Set([...Object.keys(inside), ...Object.keys(outside)]);
    return [...keys].flatMap((key) =>
      contradictions(`${name}.${key}`, field(inside, key), field(outside, key), depth + 1),
    );
  }
  const redacted = [inside, outside].some((value) => typeof value === 'string' && holdsMark(value));
  return redacted || JSON.stringify(inside) === JSON.stringify(outside) ? [] : [{ name, inside, outside }];
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}

function shown(value: unknown): string {
  return value === undefined ? 'not there' : JSON.stringify(value).slice(0, MAX_SHOWN);
}
