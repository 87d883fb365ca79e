import type { Attack } from '../../detection/case.ts';

/** A4: every command of every client of the SDK goes through one method. */
export const attack: Attack = {
  does: 'The method by which all clients of the SDK send their commands is replaced after init.',
  techniques: ['T1056.004'],
  source: 'A4',
  victims: ['node'],
  inProcess: ['node'],
  blind: { extension: 'nothing of it is outside of the memory of the runtime' },
  events: [{ first: true }, {}, { second: true }, {}],
  detectors: ['patched-builtins'],
  evidence: [{ path: /live_response\/events\.jsonl$/u, holds: /Client\.send/u }],
  quick: 'wrapper',
};
