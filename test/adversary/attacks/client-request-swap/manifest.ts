import type { Attack } from '../../detection/case.ts';

/** A4: what stands before every request of the function reads them all. */
export const attack: Attack = {
  does: 'A text from the event stands in for a method of http.ClientRequest.',
  techniques: ['T1056.004'],
  source: 'A4',
  victims: ['node'],
  inProcess: ['node'],
  blind: { extension: 'nothing of it is outside of the memory of the runtime' },
  events: [{}, { attack: true }, {}, {}],
  detectors: ['patched-builtins'],
  evidence: [{ path: /^live_response\/findings\.jsonl$/u, holds: /ClientRequest/u }],
  arrives: [{ at: 'partner', holds: /4111/u }],
};
