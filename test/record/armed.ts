/** The process of {@link recorded}: arms the recorder, runs a function, and writes its ring to a file. */
import { writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname } from 'node:path';
import { builtinGroups } from '../../src/host/monitor/builtins.ts';
import { armRecorder, type RecordLevel } from '../../src/record/arm.ts';

const [script = '', out = '', level = 'events'] = process.argv.slice(2);
const recording = armRecorder({
  level: level as RecordLevel,
  env: process.env,
  initial: { ...process.env },
  functions: builtinGroups(),
  isBare: process.env['BARE'] === '1',
});
const write = writeFileSync;
const { run } = createRequire(import.meta.url)(script) as { run: (given: object) => Promise<void> };
await run({ begins: recording.begins, folder: dirname(script), recording });
write(out, recording.ring()?.bytes() ?? '');
process.exit();
