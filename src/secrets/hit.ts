/** Parts of a text that go, as types. */

export interface Hit {
  readonly start: number;
  readonly end: number;
  /** What stands there instead. */
  readonly mark: string;
  /** A piece of a secret that is longer than one compare: the piece behind it may have the same mark. */
  readonly piece?: true;
}

/** Where a search had to stop; the length of the text if it went through. */
export interface Found {
  readonly hits: Hit[];
  cutAt: number;
}

/** `left`: what a limit has left alone, or has cut away. The same limit at the same place adds up. */
export type Note = (rule: string, left?: Left) => void;

export interface Left {
  readonly count: number;
  readonly of: 'characters' | 'bytes' | 'members' | 'objects' | 'texts' | 'values' | 'words';
}
