/** Which documents quote which figures, and in which words. A figure that is quoted is listed here. */
import type { FleetFigures } from '../host/limits/fleet.ts';
import type { Saved } from './save.ts';

export interface Quote {
  readonly document: string;
  /** What the document has to say of this output, word for word. */
  readonly says: (saved: Saved) => readonly string[];
}

const number = (value: number | undefined): string => (value ?? Number.NaN).toLocaleString('en-US');

/** By the name of the file in test/figures/. */
export const QUOTES: Readonly<Record<string, readonly Quote[]>> = {
  fleet: [
    {
      document: 'src/cli/README.md',
      says: ({ output }) => {
        const [alone, capped] = output as readonly FleetFigures[];
        return [
          `simulates ${number(alone?.sandboxes)} sandboxes in which a detector fires ${number(alone?.fired)} times`,
          `The cap of each sandbox alone lets ${number(alone?.captures)} captures start`,
          `with a fleet cap of ${number(capped?.fleetCap)}, ${number(capped?.captures)} start over two days`,
        ];
      },
    },
    {
      document: 'test/README.md',
      says: ({ date, commit }) => [`(../src/cli/README.md#the-fleet-cap) (${date}, commit ${commit})`],
    },
  ],
};
