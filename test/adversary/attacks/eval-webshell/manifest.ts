import type { Attack } from '../../detection/case.ts';

/** A22: a template or a deserialiser that runs what the event holds. */
export const attack: Attack = {
  does: 'A text of the event is run as code, and starts a program that has ended at once.',
  techniques: ['T1059.007'],
  source: 'A22',
  victims: ['node'],
  inProcess: ['node'],
  blind: { extension: 'the child has ended before it looks' },
  events: [{}, { text: "require('node:child_process').execFileSync('true')" }, {}, {}],
  detectors: ['code-from-nowhere'],
  evidence: [{ path: /live_response\/events\.jsonl$/u, holds: /eval/u }],
};
