/** How often a look went wrong, and where. */

export interface Count {
  of: number;
  readonly wrong: string[];
}

export function look(into: Map<string, Count>, place: string, what: string, leaks: boolean): void {
  const count = into.get(place) ?? { of: 0, wrong: [] };
  into.set(place, count);
  count.of++;
  if (leaks) count.wrong.push(what);
}
