/** What the black box costs: at an ordinary invocation, for an event. What it costs at start is in start.ts. */
import { median, runNode, type Figure, type Measure } from './measure.ts';

interface Costs {
  /** Nanoseconds. */
  readonly repeat: number;
  readonly event: number;
  readonly origin: number;
  readonly begins: Readonly<Record<string, number>>;
  readonly longest: Readonly<Record<string, number>>;
}

const MODULES = ['0', '50', '500'];

export const recorder: Measure = {
  name: 'recorder',
  title: 'The black box in a Node process: ordinary invocation with 0, 50, 500 modules, events',
  run: async ({ quick, program }) => {
    const job = await program('recorder-job');
    const runs = Array.from({ length: quick ? 3 : 11 }, () => runNode([job]) as Costs);
    const of = (figure: (costs: Costs) => number): number => median(runs.map(figure));
    const figure = (what: string, ours: number, unit: Figure['unit'], most?: number): Figure => ({
      what,
      ours,
      unit,
      ...(most === undefined ? {} : { target: { of: 'ours', most } }),
    });
    return [
      ...MODULES.flatMap((count) => [
        figure(
          `ordinary invocation, ${count} modules`,
          of(({ begins }) => begins[count] ?? Number.NaN) / 1000,
          'µs',
          1.5,
        ),
        figure(
          `the same: invocations until all is compared`,
          of(({ longest }) => longest[count] ?? Number.NaN),
          'calls',
        ),
      ]),
      figure('an event', of(({ event }) => event) / 1000, 'µs', 4),
      figure('an event with its origin', of(({ origin }) => origin) / 1000, 'µs', 10),
      figure(
        'the same thing again',
        of(({ repeat }) => repeat),
        'ns',
      ),
    ];
  },
};
