/** One section of what a reader is told. */

/** Every cell is rendered: nothing in it moves a cursor or is invisible. */
export interface TextSection {
  readonly title: string;
  readonly rows: readonly (readonly string[])[];
  /** How many there are; `rows` may be the first of them. */
  readonly count: number;
  /** What must not be overlooked, such as what was not looked at: shown in red, before the rows. */
  readonly notes?: readonly string[];
}
