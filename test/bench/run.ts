/**
 * `npm run bench`: what Amber costs, side by side with what else does the job. Nothing fails here: times depend on the
 * machine, so each figure stands beside one of another program from the same run, and beside the target that was set.
 *
 *     npm run bench -- [--json] [--only NAME] [--quick]
 */
import { chmodSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { availableParallelism, cpus } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { build } from 'esbuild';
import { any } from './any.ts';
import { attacked, large, small } from './archive.ts';
import { bundled } from './bundled.ts';
import { whole } from './capture.ts';
import { extension } from './extension.ts';
import { detect } from './detect.ts';
import { handed } from './handed.ts';
import { holds } from './holds.ts';
import { idle } from './idle.ts';
import { layer } from './layer.ts';
import { memory } from './memory.ts';
import { packages } from './packages.ts';
import { recorder } from './recorder.ts';
import { starts } from './start.ts';
import { python } from './python.ts';
import { smallFunctions } from './small-functions.ts';
import { volatile } from './volatile.ts';
import { workplace } from './workloads.ts';
import { isMet, ratioOf, type Figure, type Measure, type Row, type Setting } from './measure.ts';

const MEASURES: readonly Measure[] = [
  starts,
  idle,
  bundled,
  layer,
  small,
  large,
  attacked,
  memory,
  volatile,
  whole,
  smallFunctions,
  extension,
  any,
  handed,
  holds,
  detect,
  recorder,
  packages,
  python,
];

interface Result {
  readonly name: string;
  readonly title: string;
  readonly load: string;
  readonly seconds: number;
  readonly rows: readonly Row[];
}

const { values } = parseArgs({
  options: {
    json: { type: 'boolean', default: false },
    only: { type: 'string', multiple: true },
    quick: { type: 'boolean', default: false },
  },
});

function bundler(folder: string): Setting['program'] {
  const made = new Map<string, Promise<string>>();
  const make = async (name: string): Promise<string> => {
    const outfile = join(folder, `${name}.mjs`);
    await build({
      entryPoints: [`test/bench/${name}.ts`],
      outfile,
      bundle: true,
      format: 'esm',
      platform: 'node',
      target: 'node22.15',
      minifySyntax: true,
      minifyWhitespace: true,
      logLevel: 'warning',
      banner: { js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);" },
    });
    return outfile;
  };
  return (name) => {
    const program = made.get(name) ?? make(name);
    made.set(name, program);
    return program;
  };
}

async function measure({ name, title, run }: Measure, setting: Setting): Promise<Result> {
  const started = performance.now();
  const load = readFileSync('/proc/loadavg', 'utf8').split(' ')[0] ?? '';
  let rows: readonly Row[];
  try {
    rows = await run(setting);
  } catch (error) {
    rows = [{ what: title, notRun: error instanceof Error ? error.message.slice(0, 500) : String(error) }];
  }
  return { name, title, load, seconds: (performance.now() - started) / 1000, rows };
}

function figureLine(figure: Figure): string {
  const { what, ours, unit, against, target, note } = figure;
  const number = (value: number): string =>
    value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(2);
  const beside =
    against === undefined
      ? ''
      : `, ${against.name} ${number(against.value)} ${unit}: ${number(ratioOf(figure) ?? Number.NaN)} x`;
  const wanted =
    target === undefined
      ? ''
      : ` (target ${number(target.most)}${target.of === 'ours' ? ` ${unit}` : ' x'}${isMet(figure) === true ? '' : ', missed'})`;
  return `  ${what}: ${number(ours)} ${unit}${beside}${wanted}${note === undefined ? '' : `; ${note}`}`;
}

function print({ name, title, load, seconds, rows }: Result): void {
  console.log(`${name}  ${title}  [load ${load}, took ${seconds.toFixed(0)} s]`);
  for (const row of rows) console.log('notRun' in row ? `  ${row.what}: not run: ${row.notRun}` : figureLine(row));
}

const machine = {
  node: process.version,
  cores: availableParallelism(),
  cpu: cpus()[0]?.model ?? '',
  quick: values.quick,
};
const folder = mkdtempSync(join(workplace(), 'amber-bench-'));
chmodSync(folder, 0o755); // the users of sandboxes read workloads in it
process.env['TMPDIR'] = folder; // what sandboxes and destinations write lies on tmpfs as well
const results: Result[] = [];
try {
  const setting: Setting = { quick: values.quick, folder, program: bundler(folder) };
  const chosen = MEASURES.filter(({ name }) => values.only === undefined || values.only.includes(name));
  if (chosen.length === 0) console.error(`measures: ${MEASURES.map(({ name }) => name).join(', ')}`);
  if (!values.json) console.log(`Node ${machine.node}, ${machine.cores} cores, ${machine.cpu}`);
  for (const one of chosen) {
    const result = await measure(one, setting);
    results.push(result);
    if (!values.json) print(result);
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
if (values.json)
  console.log(
    JSON.stringify(
      {
        machine,
        results: results.map((result) => ({
          ...result,
          rows: result.rows.map((row) => ('notRun' in row ? row : { ...row, ratio: ratioOf(row), met: isMet(row) })),
        })),
      },
      undefined,
      1,
    ),
  );
