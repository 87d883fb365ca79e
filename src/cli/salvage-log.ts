/** `amber salvage --log`: what captures have left in the log of the function. */
import { field, processLines, socketRows, text } from '../case/view/process-tree.ts';
import type { DecodedEvidence } from '../case/log/evidence.ts';
import { malformedText } from '../case/log/malformed.ts';
import { renderText } from '../case/view/safe-names.ts';
import { AmberError } from '../errors.ts';
import { many } from '../many.ts';
import { textOption, type Invocation } from './command.ts';
import { table, type Output } from './output.ts';

/** Lines that are shown of each list; --json has all. */
const MAX_LINES = 200;

/** @throws AmberError USAGE, CASE_MISSING, ARCHIVE_CORRUPT where the log holds nothing of the kind that can be read. */
export async function salvageLog({ positionals, values, out }: Invocation, path: string): Promise<number> {
  if (positionals.length > 0) throw new AmberError('USAGE', 'Give a LOCATION or --log FILE, not both.');
  if (textOption(values, 'to') !== undefined)
    throw new AmberError('USAGE', '--to goes with a LOCATION; with --log, --json has all that is found.');
  const { readLogEvidence } = await import('../case/log/evidence.ts');
  const { logFiles } = await import('../case/log/source.ts');
  const { found, leftOut, notRead, malformed } = await readLogEvidence(logFiles(path));
  for (const reason of notRead) out.note(`${path}: not read: ${reason}`);
  if (found.length === 0) throw nothingFound(path, notRead, malformed);
  out.json({ found, leftOut, notRead, malformed });
  for (const one of found) tell(one, out);
  if (leftOut > 0) out.note(`PROBLEM: ${many(leftOut, 'line was', 'lines were')} too many to keep`);
  if (malformed > 0) out.note(`PROBLEM: ${malformedText(malformed)}`);
  if (leftOut + malformed > 0 || found.some(({ problem }) => problem !== undefined)) return 1;
  return notRead.length === 0 ? 0 : 3;
}

/** A line that is there and cannot be read is not told as one that is not there. */
function nothingFound(path: string, notRead: readonly string[], malformed: number): AmberError {
  const where = path === '-' ? 'what was read' : path;
  if (malformed > 0)
    return new AmberError(
      'ARCHIVE_CORRUPT',
      `No line {"amber":"evidence",…} of ${where} can be read: ${malformedText(malformed)}.`,
    );
  const far = notRead.length === 0 ? '' : ', as far as it was read';
  return new AmberError(
    'CASE_MISSING',
    // No colon behind the path: `passwd: …` looks like a secret, and would be redacted.
    `There is no line {"amber":"evidence",…} in ${where}${far}. Captures write them only where no destination takes ` +
      'their first segment in time.',
  );
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
