/**
 * What the start of a function costs with Amber in it: CPU of the process until the module is imported, and until its
 * first invocation is answered. Each in a fresh process, by turns, over the same function without Amber.
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { buildPackage } from '../built.ts';
import { BUNDLERS } from '../package/bundlers.ts';
import { byTurnsAll, type Figure, type Measure, type Setting, type Spread } from './measure.ts';

const RUNS = 41;
const BARE = 'export const handler = async (event) => event;\n';
const wrappedBy = (library: string): string =>
  `import { withCapture } from ${JSON.stringify(library)};\nexport const handler = withCapture(async (event) => event);\n`;
/** To find a package by its name takes Node as long as half of the import. */
const MODULES: Readonly<Record<string, string>> = {
  bare: BARE,
  wrapped: wrappedBy(resolve('dist/index.js')),
  named: wrappedBy('lambda-amber'),
  empty: `import 'empty-package';\n${BARE}`,
};

/** Nothing else moves there, so that the first invocation has nothing to look at. */
const APART = [
  '--pid',
  '--mount',
  '--fork',
  '--mount-proc',
  'sh',
  '-c',
  'mount -t tmpfs tmpfs /mnt && exec "$@"',
  'sh',
];
const ARMED = { AMBER_DESTINATION: 's3://bucket/prefix', AMBER_WRITABLE: '/mnt' };

const CONTENDERS: Readonly<Record<string, readonly [file: string, env: Readonly<Record<string, string>>]>> = {
  bare: ['bare.mjs', {}],
  'an empty package': ['empty.mjs', {}],
  'by name': ['named.mjs', ARMED],
  unarmed: ['wrapped.mjs', {}],
  armed: ['wrapped.mjs', ARMED],
  'without the black box': ['wrapped.mjs', { ...ARMED, AMBER_RECORD: 'off' }],
  'errors watched': ['wrapped.mjs', { ...ARMED, AMBER_ON_ERROR: 'any' }],
  'bare esm': ['bare-esm/index.mjs', {}],
  'bundled esm': ['wrapped-esm/index.mjs', ARMED],
  'bare cjs': ['bare-cjs/index.cjs', {}],
  'bundled cjs': ['wrapped-cjs/index.cjs', ARMED],
};

interface Cost {
  readonly imported: number;
  readonly invoked: number;
}

/** The modules of {@link CONTENDERS}, in a folder in which the package is installed. */
async function modules({ folder }: Setting): Promise<string> {
  buildPackage();
  const home = join(folder, 'start');
  mkdirSync(join(home, 'node_modules'), { recursive: true });
  symlinkSync(resolve('.'), join(home, 'node_modules/lambda-amber'));
  const empty = join(home, 'node_modules/empty-package');
  mkdirSync(empty);
  writeFileSync(join(empty, 'package.json'), '{"name":"empty-package","type":"module","exports":"./index.js"}');
  writeFileSync(join(empty, 'index.js'), '');
  for (const [name, text] of Object.entries(MODULES)) writeFileSync(join(home, `${name}.mjs`), text);
  for (const [name, file] of Object.entries({ bare: 'bare.mjs', wrapped: 'named.mjs' }))
    for (const format of ['esm', 'cjs']) {
      const bundler = BUNDLERS.find(([kind]) => kind === `esbuild, ${format}, minified`)?.[1];
      await bundler?.(join(home, file), join(home, `${name}-${format}`));
    }
  return home;
}

function start(file: string, env: Readonly<Record<string, string>>, where: 'apart' | 'here'): Cost {
  const job = [process.execPath, resolve('test/bench/start-job.mjs'), file] as const;
  const [command, ...args] = where === 'here' ? job : (['unshare', ...APART, ...job] as const);
  const { stdout, stderr } = spawnSync(command, args, { encoding: 'utf8', env });
  if (stdout === '') throw new TypeError(stderr);
  return JSON.parse(stdout) as Cost;
}

export const starts: Measure = {
  name: 'start',
  title: 'Start of a function with Amber in it: CPU of import and first invocation, over the same without',
  run: async (setting) => {
    const home = await modules(setting);
    const where = spawnSync('unshare', [...APART, 'true']).status === 0 ? 'apart' : 'here';
    const runs: Record<string, () => Cost> = {};
    for (const [name, [file, env]] of Object.entries(CONTENDERS))
      runs[name] = () => start(join(home, file), { PATH: process.env['PATH'] ?? '', ...env }, where);
    const found = byTurnsAll(setting.quick ? 7 : RUNS, runs);
    return rowsOf((name, key) => found(name, (cost) => cost[key]));
  },
};

function rowsOf(of: (name: string, key: keyof Cost) => Spread): Figure[] {
  const row = (
    what: string,
    ours: readonly [string, keyof Cost],
    over: readonly [string, keyof Cost],
    most?: number,
  ) => {
    const [one, other] = [of(...ours), of(...over)];
    const figure: Figure = {
      what,
      ours: one.median - other.median,
      unit: 'ms',
      note: `${(one.least - other.least).toFixed(2)} by the least of each`,
    };
    return most === undefined ? figure : { ...figure, target: { of: 'ours', most } as const };
  };
  return [
    row('import, nothing armed, over an empty module', ['unarmed', 'imported'], ['bare', 'imported'], 1.5),
    row('import, armed, over an empty module', ['armed', 'imported'], ['bare', 'imported'], 2.5),
    row('of it the black box', ['armed', 'imported'], ['without the black box', 'imported'], 1),
    row(
      'the same by the name of the package, over an empty one',
      ['by name', 'imported'],
      ['an empty package', 'imported'],
    ),
    row('import, armed, with AMBER_ON_ERROR (judged at init)', ['errors watched', 'imported'], ['bare', 'imported']),
    row('import and first invocation, armed', ['armed', 'invoked'], ['bare', 'invoked']),
    row('the same of the black box', ['armed', 'invoked'], ['without the black box', 'invoked']),
    row(
      'bundled (esbuild, esm), armed, over the bare bundle',
      ['bundled esm', 'imported'],
      ['bare esm', 'imported'],
      3,
    ),
    row(
      'bundled (esbuild, cjs), armed, over the bare bundle',
      ['bundled cjs', 'imported'],
      ['bare cjs', 'imported'],
      3,
    ),
  ];
}
