import type { Attack } from '../../detection/case.ts';

/** A7: what goes to AWS, with its signature, goes to somebody else. */
export const attack: Attack = {
  does: 'Code of the function turns the endpoint of a service to a stranger.',
  techniques: ['T1557', 'T1041'],
  source: 'A7',
  victims: ['node'],
  inProcess: ['node'],
  blind: { extension: 'the environment that /proc shows is that of the start' },
  events: [{}, { attack: true, card: '4111' }, { card: '4222' }, {}],
  // Variables are compared one by one.
  further: 40,
  detectors: ['environment-drift'],
  evidence: [{ path: /^live_response\/findings\.jsonl$/u, holds: /AWS_ENDPOINT_URL_S3/u }],
  arrives: [{ at: 'exfiltration', holds: /4222/u }],
};
