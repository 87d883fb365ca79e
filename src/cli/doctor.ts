/** `amber doctor`: would a capture of this function work? */
import type { CheckedLine } from '../doctor/index.ts';
import { renderText } from '../case/view/safe-names.ts';
import { AWS_OPTIONS, clientOptions } from './aws-options.ts';
import { onePositional, type Command } from './command.ts';
import type { Output } from './output.ts';
import { many } from '../many.ts';

export const doctor: Command = {
  name: 'doctor',
  summary: 'Tells whether a function is ready to be captured, and what to do if not.',
  usage: 'FUNCTION',
  details: `
Looks at the function (layer, handler, runtime, timeout, memory, Amber's variables), at what its role may do
(simulated by IAM where you may ask for that), and at the bucket: policy, versioning, Object Lock, encryption, public
access, endpoint.
Changes nothing. Each line that fails comes with its fix; what you may not ask is not checked, with the action it needs.
Exit code 0: nothing failed. 1: something did.

  amber doctor checkout --region eu-central-1`,
  options: AWS_OPTIONS,
  run: async (invocation) => {
    const { values, out } = invocation;
    const { openFunction } = await import('../acquire/function.ts');
    const { runChecks, inspectedFunction } = await import('../doctor/index.ts');
    const stop = new AbortController();
    const { aws, target, close } = await openFunction(
      onePositional(invocation, 'FUNCTION'),
      { clients: clientOptions(values) },
      stop.signal,
    );
    const lines: CheckedLine[] = [];
    try {
      for await (const line of runChecks(inspectedFunction(target, aws, stop.signal))) {
        lines.push(line);
        tell(line, out);
      }
    } finally {
      close();
    }
    const failures = lines.filter(({ state }) => state === 'failed').length;
    out.json({ functionArn: target.functionArn, ready: failures === 0, checks: lines });
    out.line();
    out.line(
      failures === 0
        ? out.paint('good', 'ready')
        : out.paint('bad', `not ready: ${failures} of ${many(lines.length, 'check')} failed`),
    );
    return failures === 0 ? 0 : 1;
  },
};

const WORDS = { ok: 'ok', failed: 'FAILED', warning: 'warning', 'not-checked': 'not checked' } as const;
const TONES = { ok: 'good', failed: 'bad', warning: 'strong', 'not-checked': 'dim' } as const;
const WIDTH = 13;

function tell({ state, what, detail, fix }: CheckedLine, out: Output): void {
  out.line(`${out.paint(TONES[state], WORDS[state].padEnd(WIDTH))}${what}: ${renderText(detail)}`);
  if (fix !== undefined) out.line(`${' '.repeat(WIDTH)}fix: ${renderText(fix)}`);
}
