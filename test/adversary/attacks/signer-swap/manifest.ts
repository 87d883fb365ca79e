import type { Attack } from '../../detection/case.ts';

/** A4: every request to AWS goes through one method, with the credentials in its hands. */
export const attack: Attack = {
  does: 'The method by which botocore signs requests is replaced after init.',
  techniques: ['T1056.004'],
  source: 'A4',
  victims: ['python'],
  inProcess: [],
  events: [{}, { attack: true }, {}, {}],
  detectors: ['patched-builtins'],
  evidence: [],
  limit: 'the recorder of Python tells of it, and the extension does not judge what is recorded yet',
};
