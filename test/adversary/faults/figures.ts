/** The figures as a reader wants them. */
import { FAULTS } from './cases.ts';
import type { CaptureFigures } from './captures.ts';
import type { KillFigures } from './kill.ts';
import { OUTCOMES } from './judge-capture.ts';

export function captureTable(figures: CaptureFigures): string {
  const sum = (outcome: (typeof OUTCOMES)[number]): number =>
    Object.values(figures.byFault).reduce((total, row) => total + (row[outcome] ?? 0), 0);
  const used = OUTCOMES.filter((outcome) => outcome !== 'none' || sum(outcome) > 0);
  const rows = FAULTS.map((fault) => [fault, ...used.map((outcome) => String(figures.byFault[fault]?.[outcome] ?? 0))]);
  const total = ['all', ...used.map((outcome) => String(sum(outcome)))];
  return [
    ...table(['fault', ...used], [...rows, total]),
    '',
    `${figures.captures} captures; ${figures.handlersRight} handler results right; ${figures.violations.length} violations`,
    `${figures.acknowledged} segments acknowledged; ${figures.salvaged} entries salvaged from captures that were cut`,
    `slowest handler ${figures.slowestMs} ms, limit ${figures.limitMs} ms; open descriptors ${figures.descriptors.join(' before, ')} after`,
  ].join('\n');
}

export function killTable(figures: KillFigures): string {
  return [
    ...table(
      ['when the process died', 'captures'],
      Object.entries(figures.moments).map(([moment, number]) => [moment, String(number)]),
    ),
    '',
    `${figures.kills} captures killed at a random moment of ${figures.usualMs} ms; ${figures.withRecipient} of them with a recipient, ${figures.tooLate} more had ended before; ${figures.violations.length} violations`,
    `${figures.acknowledged} segments acknowledged, ${figures.stored} in the bucket; from ${figures.holed} captures one in the middle was taken away`,
    `${figures.salvaged} entries salvaged; ${figures.named} paths named by the inventory of which nothing is there`,
  ].join('\n');
}

export function table(head: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const widths = head.map((title, column) => Math.max(title.length, ...rows.map((row) => (row[column] ?? '').length)));
  const line = (row: readonly string[]): string =>
    row
      .map((cell, column) => (column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0)))
      .join('  ');
  return [line(head), widths.map((width) => '-'.repeat(width)).join('  '), ...rows.map(line)];
}
