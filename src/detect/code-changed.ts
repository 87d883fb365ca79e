/** The code of the function is not what it was at init. On Lambda it is read-only, so nothing benign changes it. */
import type { Detector, Finding, Observation } from '../contracts/evidence.ts';
import { makeFinding } from './finding.ts';

export const codeChanged: Detector = {
  name: 'code-changed',
  description: 'The roots of the code, the file of the handler or its name have changed since init.',
  technique: { id: 'T1554', name: 'Compromise Host Software Binary' },
  kind: 'hijack',
  severity: 'high',
  benign: ['a development server that rebuilds the code in place: not on Lambda'],
  runs: ['extension', 'process'],
  detect: (now: Observation, baseline: Observation): readonly Finding[] => {
    const [then, is] = [baseline.code, now.code];
    const moved = Object.keys({ ...then.stats, ...is.stats }).filter(
      (path) => then.handler !== undefined && then.stats[path] !== is.stats[path],
    );
    const findings = moved.map((path) =>
      makeFinding(codeChanged, {
        title: `${path} is not what it was at init`,
        severity: 'high',
        subject: { path },
        evidence: [
          `at init: ${then.stats[path] ?? 'not there'}`,
          `now: ${is.stats[path] ?? 'not there'} (device:inode:size:mtime:ctime)`,
        ],
      }),
    );
    if (then.handler === undefined || is.handler === undefined || then.handler === is.handler) return findings;
    return [
      ...findings,
      makeFinding(codeChanged, {
        title: `the handler is ${is.handler}, at init it was ${then.handler}`,
        severity: 'high',
        subject: { name: '_HANDLER' },
        evidence: [`at init: ${then.handler}`, `now: ${is.handler}`],
      }),
    ];
  },
};
