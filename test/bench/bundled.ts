/**
 * What the import of a bundled function costs with Amber in it, over the same function without: CPU of the whole
 * process, by turns.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, globSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { BUNDLE_BYTES_UNPACKED } from '../budgets.ts';
import { buildPackage } from '../built.ts';
import { BUNDLERS } from '../package/bundlers.ts';
import { PEERS } from '../package/installed.ts';
import { byTurns, type Measure, type Row, type Setting } from './measure.ts';

const MAX_MS = 3;

const BARE = 'export const handler = async (event) => event;\n';
const WRAPPED =
  "import { withCapture } from 'lambda-amber';\nexport const handler = withCapture(async (event) => event);\n";

const ARMED = { AMBER_DESTINATION: 's3://bucket/prefix', AMBER_DETECT: 'high' };
/** What else is configured, and whether the host has to judge it when the handler is wrapped. */
const FURTHER: readonly (readonly [what: string, env: Record<string, string>, judged: boolean])[] = [
  ['AMBER_MAX_MS and AMBER_S3_REGION', { AMBER_MAX_MS: '5000', AMBER_S3_REGION: 'eu-central-1' }, false],
  ['AMBER_ON_ERROR', { AMBER_ON_ERROR: 'any' }, true],
];

/** CPU milliseconds of a process that loads a module and ends. */
function cpuMs(file: string, further: Record<string, string> = {}): number {
  const load = file.endsWith('.cjs') ? `require(${JSON.stringify(file)})` : `await import(${JSON.stringify(file)})`;
  const program = `const before = process.cpuUsage(); ${load}; const { user, system } = process.cpuUsage(before); console.log((user + system) / 1000);`;
  const { stdout } = spawnSync(
    process.execPath,
    ['--input-type', file.endsWith('.cjs') ? 'commonjs' : 'module', '-e', program],
    { encoding: 'utf8', env: { ...ARMED, ...further } },
  );
  return Number(stdout);
}

interface Bundled {
  readonly kind: string;
  readonly bare: string;
  readonly wrapped: string;
}

/** By each bundler the same function twice; what Node loads where nobody has bundled comes first. */
async function bundles({ folder }: Setting): Promise<readonly Bundled[]> {
  buildPackage();
  const home = join(folder, 'bundled');
  mkdirSync(join(home, 'node_modules'), { recursive: true });
  symlinkSync(resolve('.'), join(home, 'node_modules/lambda-amber'));
  const entries = { bare: join(home, 'bare.js'), wrapped: join(home, 'wrapped.js') };
  writeFileSync(entries.bare, BARE);
  writeFileSync(entries.wrapped, WRAPPED);
  writeFileSync(join(home, 'bare.mjs'), BARE);
  writeFileSync(join(home, 'unbundled.mjs'), WRAPPED);
  const made: Bundled[] = [{ kind: 'not bundled', bare: join(home, 'bare.mjs'), wrapped: join(home, 'unbundled.mjs') }];
  for (const [kind, bundler, most] of BUNDLERS) {
    if (most === BUNDLE_BYTES_UNPACKED || (!kind.startsWith('esbuild') && !existsSync(PEERS))) continue;
    const one = async (what: 'bare' | 'wrapped'): Promise<string> => {
      const outdir = join(home, `${what}-${kind.replaceAll(/\W+/gu, '-')}`);
      await bundler(entries[what], outdir);
      return join(outdir, globSync('*.{mjs,cjs}', { cwd: outdir })[0] ?? '');
    };
    made.push({ kind, bare: await one('bare'), wrapped: await one('wrapped') });
  }
  return made;
}

export const bundled: Measure = {
  name: 'bundled',
  title: 'Import of a function that is bundled with Amber, armed, over the same function without: CPU',
  run: async (setting) => {
    const made = await bundles(setting);
    const minified = made.find(({ kind }) => kind === 'esbuild, esm, minified');
    const contenders: Record<string, () => number> = {};
    for (const { kind, bare, wrapped } of made) {
      contenders[`bare ${kind}`] = () => cpuMs(bare);
      contenders[`wrapped ${kind}`] = () => cpuMs(wrapped);
    }
    for (const [what, env] of FURTHER) contenders[`wrapped ${what}`] = () => cpuMs(minified?.wrapped ?? '', env);
    const found = byTurns(setting.quick ? 5 : 31, contenders);
    const ms = (name: string): number => found[name] ?? Number.NaN;
    const over = (kind: string): number => ms(`wrapped ${kind}`) - ms(`bare ${kind}`);
    const against = { name: 'the same, not bundled', value: over('not bundled') };
    const target = { of: 'ours', most: MAX_MS } as const;
    const rows: Row[] = made.slice(1).map(({ kind }) => ({
      what: `${kind}, over ${ms(`bare ${kind}`).toFixed(1)} ms bare`,
      ours: over(kind),
      unit: 'ms',
      against,
      target,
    }));
    for (const [what, , judged] of FURTHER)
      rows.push({
        what: `esbuild, esm, minified, with ${what}${judged ? ' (judged at init)' : ''}`,
        ours: ms(`wrapped ${what}`) - ms('bare esbuild, esm, minified'),
        unit: 'ms',
        against,
        ...(judged ? {} : { target }),
      });
    if (!existsSync(PEERS)) rows.push({ what: 'rollup, webpack', notRun: 'npm ci in test/package/peers' });
    return rows;
  },
};
