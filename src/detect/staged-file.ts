/** Code that has come into a writable tree since the sandbox was ready. By itself a trace, not an alarm. */
import type { Detector, DetectPolicy, Finding, Observation, ObservedFile, Severity } from '../contracts/evidence.ts';
import { firstOf, isAllowed, isNewFile, makeFinding } from './finding.ts';
import { baseName } from './places.ts';
import { many } from '../many.ts';

/** Findings of one look: the capture has the whole list. */
const MAX = 32;
const CODE = /\.(?:m?js|cjs|py|pyc|rb|pl|php|sh|so(?:\.\d+)*|node|jar|lua)$/u;

export const stagedFile: Detector = {
  name: 'staged-file',
  description: 'A new ELF file, script or link to the runtime in /tmp or /dev/shm.',
  technique: { id: 'T1105', name: 'Ingress Tool Transfer' },
  kind: 'staged',
  severity: 'medium',
  benign: ['packages that unpack binaries or compile code into /tmp', 'caches of compilers and bundlers'],
  runs: ['extension', 'process'],
  detect: (now: Observation, baseline: Observation, policy: DetectPolicy): readonly Finding[] =>
    firstOf(
      now.files.flatMap((file): Finding[] => {
        const judged = judge(file);
        if (judged === undefined || !isNewFile(file, baseline) || isAllowed(policy, 'file', file.path)) return [];
        const [severity, what] = judged;
        return [
          makeFinding(stagedFile, {
            title: `${what} has come into a writable tree: ${file.path}`,
            severity,
            subject: { path: file.path },
            evidence: [
              `${file.path}: ${what}, ${many(file.size, 'byte')}, mode ${file.mode.toString(8)}, changed ` +
                new Date(file.ctimeMs).toISOString(),
            ],
          }),
        ];
      }),
      MAX,
    ),
};

function judge(file: ObservedFile): readonly [Severity, string] | undefined {
  if (file.type === 'link' && /^\/(?:var\/(?:runtime|lang|task)|proc|opt)\//u.test(file.target ?? ''))
    return ['medium', `a link to ${file.target ?? ''}`];
  if (file.type !== 'file') return undefined;
  const hidden = baseName(file.path).startsWith('.');
  const severity = hidden || file.path.startsWith('/dev/shm/') ? 'medium' : 'low';
  if (file.magic === 'elf') return [severity, 'an ELF file'];
  if (file.magic === 'script') return [severity, 'a script'];
  return file.magic === 'text' && CODE.test(file.path) ? ['low', 'source code'] : undefined;
}
