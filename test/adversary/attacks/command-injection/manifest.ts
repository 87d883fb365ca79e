import type { Attack } from '../../detection/case.ts';

/** A22: a document's name ends in a command of its own. The child has gone before anybody can look. */
export const attack: Attack = {
  does: 'A name from the event goes into a text for execSync, with a command behind it that prints the environment.',
  techniques: ['T1059.004', 'T1552'],
  source: 'A22',
  victims: ['node'],
  inProcess: ['node'],
  blind: { extension: 'the child has ended before it looks' },
  events: [{}, { document: '/var/task/handler.mjs; env' }, {}, {}],
  detectors: ['child-process-use'],
  evidence: [{ path: /live_response\/events\.jsonl$/u, holds: /handler\.mjs; env/u }],
  quick: 'wrapper',
};
