import type { Attack } from '../../detection/case.ts';

/** A9: a dependency that tells once that it has been loaded. */
export const attack: Attack = {
  does: 'A dependency sends one request to a stranger when it is imported.',
  techniques: ['T1195.001', 'T1071'],
  source: 'A9',
  level: 'medium',
  victims: ['node'],
  inProcess: ['node'],
  blind: { extension: 'the connection has ended before it looks, and the runtime may talk to whom it likes' },
  events: [{}, {}, {}, {}],
  detectors: ['lone-request'],
  evidence: [{ path: /live_response\/events\.jsonl$/u, holds: /203\.0\.113\.7/u }],
  arrives: [{ at: 'exfiltration', holds: /beacon/u }],
};
