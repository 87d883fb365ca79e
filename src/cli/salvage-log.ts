/** `amber salvage --log`: what captures have left in the log of the function. */
import type { DecodedEvidence } from '../case/log/evidence.ts';
import { field, processLines, socketRows, text } from '../case/view/process-tree.ts';
import { renderText } from '../case/view/safe-names.ts';
import { AmberError } from '../errors.ts';
import { textOption, type Invocation } from './command.ts';
import { table, type Output } from './output.ts';

/** Lines that are shown of each list; --json has all. */
const MAX_LINES = 200;

/** @throws AmberError USAGE, CASE_MISSING where the log cannot be read or holds nothing of the kind. */
export async function salvageLog({ positionals, values, out }: Invocation, path: string): Promise<number> {
  if (positionals.length > 0) throw new AmberError('USAGE', 'Give a LOCATION or --log FILE, not both.');
  if (textOption(values, 'to') !== undefined)
    throw new AmberError('USAGE', '--to goes with a LOCATION; with --log, --json has all that is found.');
  const { readLogEvidence } = await import('../case/log/evidence.ts');
  const { logFiles } = await import('../case/log/source.ts');
  const { found, leftOut, notRead } = await readLogEvidence(logFiles(path));
  for (const reason of notRead) out.note(`${path}: not read: ${reason}`);
  if (found.length === 0)
    throw new AmberError(
      'CASE_MISSING',
      `There is no line {"amber":"evidence",…} in ${path === '-' ? 'what was read' : path}: captures write them ` +
        'only where no destination takes their first segment in time.',
    );
  out.json({ found, leftOut, notRead });
  for (const one of found) tell(one, out);
  if (leftOut > 0) out.note(`PROBLEM: ${String(leftOut)} lines were too many to keep`);
  return leftOut === 0 && notRead.length === 0 && found.every(({ problem }) => problem === undefined) ? 0 : 1;
}

function tell({ captureId, summary, problem, sha256 }: DecodedEvidence, out: Output): void {
  const cause = field(summary, 'cause');
  out.line(out.paint('strong', `capture ${renderText(captureId, 100)}`));
  if (problem !== undefined) {
    out.note(`PROBLEM: ${renderText(captureId, 100)}: ${renderText(problem, 300)}`);
    return;
  }
  out.line(
    `  started    ${renderText(text(field(summary, 'started')), 100)}, request ` +
      (renderText(text(field(summary, 'requestId')), 100) || 'unknown'),
  );
  out.line(`  cause      ${renderText(`${text(field(cause, 'trigger'))}: ${text(field(cause, 'reason'))}`, 500)}`);
  out.line(
    `  processes  ${renderText(text(field(summary, 'processesInAll')), 20)} in all; SHA-256 of the summary is ` +
      renderText(sha256, 100),
  );
  const rows = listOf(field(summary, 'processes'));
  list(out, [...processLines({ processes: rows.map(withExecutable) })]);
  const sockets = socketRows(summary).map(({ protocol, state, local, remote, owners }) => [
    protocol,
    state,
    local,
    remote,
    owners,
  ]);
  if (sockets.length > 0) out.line('  sockets that they hold');
  list(out, table(sockets));
  const open = rows.flatMap((row) =>
    listOf(field(row, 'open')).map((file) => renderText(`${text(field(row, 'pid'))}  ${text(file)}`, 500)),
  );
  if (open.length > 0) out.line('  open files, by pid');
  list(out, open);
}

/** Lines that are rendered already. */
function list(out: Output, lines: readonly string[]): void {
  for (const line of lines.slice(0, MAX_LINES)) out.line(`    ${line}`);
  if (lines.length > MAX_LINES) out.line(`    … and ${String(lines.length - MAX_LINES)} more (--json)`);
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

const DELETED = ' (deleted)';

/** As processes.json has it: the summary says it in one text. */
function withExecutable(row: unknown): unknown {
  const exe = text(field(row, 'exe'));
  if (typeof row !== 'object' || row === null || exe === '') return row;
  const deleted = exe.endsWith(DELETED);
  return { ...row, exe: { path: deleted ? exe.slice(0, -DELETED.length) : exe, deleted } };
}
