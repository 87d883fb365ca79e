// Makes one JSON document of the probe's lines: from a log, or from what `aws logs filter-log-events` prints, on
// standard input. --changed TIME: when the configuration was changed or concurrency set to 0; then it tells how long
// after that each sandbox got SHUTDOWN.
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';

const { values } = parseArgs({ options: { changed: { type: 'string' } } });
const input = readFileSync(0, 'utf8');

function messages() {
  try {
    const { events } = JSON.parse(input);
    if (Array.isArray(events)) return events.map(({ message }) => message);
  } catch {
    // Lines of a log.
  }
  return input.split('\n');
}

const records = messages().flatMap((message) => {
  const from = message.indexOf('{"probe":');
  if (from < 0) return [];
  try {
    return [JSON.parse(message.slice(from))];
  } catch {
    return [];
  }
});

/** Of each sandbox the last line that it could write. */
const last = new Map();
for (const record of records) if (record.probe === 'shutdown') last.set(record.sandbox, record);
const shutdowns = [...last.values()].map((record) => ({
  ...record,
  cpuShare: record.survivedMs === 0 ? null : Number((record.cpuMs / record.survivedMs).toFixed(3)),
  ...(values.changed === undefined ? {} : { sinceChangeMs: Date.parse(record.startedAt) - Date.parse(values.changed) }),
}));
const newest = (who) => records.filter(({ probe }) => probe === who).at(-1) ?? null;

console.log(
  JSON.stringify(
    {
      function: newest('function'),
      extension: newest('extension'),
      shutdowns,
      refused: records.filter(({ probe }) => probe === 'refused'),
    },
    undefined,
    1,
  ),
);
