import type { Attack } from '../../detection/case.ts';

/** A22: after ServerlessGoat: the address of a document ends in a command, and a hash hides what stands behind it. */
export const attack: Attack = {
  does: 'An address from the event goes into a text for exec, with a command behind it that prints the environment.',
  techniques: ['T1059.004', 'T1552'],
  source: 'A22',
  victims: ['node'],
  inProcess: ['node'],
  blind: { extension: 'the child has ended before it looks' },
  events: [{}, { url: '/var/task/handler.mjs; env #' }, {}, {}],
  detectors: ['child-process-use'],
  evidence: [{ path: /live_response\/events\.jsonl$/u, holds: /handler\.mjs; env #/u }],
};
