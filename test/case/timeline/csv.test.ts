/** Cells of the CSV timeline, read as spreadsheets of any locale read them. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { rowOf } from '../../../src/case/timeline/event.ts';
import { csvHead, csvLine } from '../../../src/case/timeline/text.ts';
import { times } from '../../effort.ts';

const line = (message: string): string =>
  csvLine(
    rowOf(
      {
        timestamp: 1_700_000_000_000_000,
        timestamp_desc: 'Log Event',
        message,
        data_type: 'aws:log',
        more: { filename: message, username: message },
      },
      { source: 'logs', functionName: 'checkout', captureId: 'x' },
    ),
  );

/** Cells by RFC 4180, with any separator. */
function cells(text: string, separator: string): string[] {
  const found: string[] = [];
  let cell = '';
  let quoted = false;
  for (let at = 0; at < text.length; at += 1) {
    const character = text.charAt(at);
    if (quoted && character === '"' && text.charAt(at + 1) === '"') {
      cell += '"';
      at += 1;
    } else if (character === '"' && (quoted || cell === '')) quoted = !quoted;
    else if (character === separator && !quoted) {
      found.push(cell);
      cell = '';
    } else cell += character;
  }
  return [...found, cell];
}

const RUNS = /^[\s\u3000]*[=+@\uff1d\uff0b\uff20]|^[\s\u3000]*[-\uff0d](?!\d+(?:\.\d+)?$)/u;

test('no cell begins as a formula, whichever separator a spreadsheet takes', () => {
  const piece = fc.constantFrom(
    '=',
    '+',
    '-',
    '@',
    '\uff1d',
    '\uff0b',
    '\uff0d',
    '\uff20',
    ';',
    ',',
    '\t',
    '|',
    ' ',
    '"',
    "'",
    'a',
    '1',
    'cmd',
    '\u3000',
    '\n',
    '\r',
    '\u00a0',
  );
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
      const text = line(pieces.join(''));
      for (const separator of [',', ';', '\t', '|']) {
        for (const cell of cells(text, separator))
          assert.doesNotMatch(cell, RUNS, `${JSON.stringify(pieces.join(''))} by ${JSON.stringify(separator)}`);
        if (separator !== ',')
          for (const cell of text.split(separator))
            assert.doesNotMatch(
              cell.replace(/^"/u, ''),
              RUNS,
              `${JSON.stringify(pieces.join(''))} split at ${JSON.stringify(separator)}`,
            );
      }
      assert.equal(cells(text, ',').length, csvHead().split(',').length);
    }),
    { numRuns: times(3000) },
  );
});

test('what is no formula stays as it is', () => {
  for (const message of ['a=b', 'x -y', 'GET /a?b=c', '10.0.0.1:443', 'a@b'])
    assert.ok(line(message).includes(message));
  assert.ok(line('a;=1+1').includes("a;'=1+1"));
  assert.ok(line('\uff1d1').includes("'"));
});
