/**
 * What the import of a bundled function costs with Amber in it, over the same function without: CPU of the whole
 * process, by turns.
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { build } from 'esbuild';
import { buildPackage } from '../built.ts';
import { byTurns, type Measure, type Setting } from './measure.ts';

const MAX_MS = 3;

const BARE = 'export const handler = async (event) => event;\n';
const WRAPPED =
  "import { withCapture } from 'lambda-amber';\nexport const handler = withCapture(async (event) => event);\n";

/** CPU milliseconds of a process that loads a module and ends. */
function cpuMs(file: string): number {
  const load = file.endsWith('.cjs') ? `require(${JSON.stringify(file)})` : `await import(${JSON.stringify(file)})`;
  const program = `const before = process.cpuUsage(); ${load}; const { user, system } = process.cpuUsage(before); console.log((user + system) / 1000);`;
  const { stdout } = spawnSync(
    process.execPath,
    ['--input-type', file.endsWith('.cjs') ? 'commonjs' : 'module', '-e', program],
    { encoding: 'utf8', env: { AMBER_DESTINATION: 's3://bucket/prefix', AMBER_DETECT: 'high' } },
  );
  return Number(stdout);
}

async function bundles({ folder }: Setting): Promise<Readonly<Record<string, string>>> {
  buildPackage();
  const home = join(folder, 'bundled');
  mkdirSync(join(home, 'node_modules'), { recursive: true });
  symlinkSync(resolve('.'), join(home, 'node_modules/lambda-amber'));
  const made: Record<string, string> = {};
  for (const [what, text] of [
    ['bare', BARE],
    ['wrapped', WRAPPED],
  ] as const) {
    writeFileSync(join(home, `${what}.js`), text);
    for (const format of ['esm', 'cjs'] as const) {
      for (const minify of [false, true]) {
        const name = `${what} ${format}${minify ? ' minified' : ''}`;
        const outfile = join(home, `${name.replaceAll(' ', '-')}.${format === 'esm' ? 'mjs' : 'cjs'}`);
        await build({
          entryPoints: [join(home, `${what}.js`)],
          bundle: true,
          platform: 'node',
          target: 'node22',
          format,
          minify,
          outfile,
        });
        made[name] = outfile;
      }
    }
  }
  // What Node loads where nobody has bundled.
  made['bare unbundled'] = made['bare esm'] ?? '';
  writeFileSync((made['wrapped unbundled'] = join(home, 'unbundled.mjs')), WRAPPED);
  return made;
}

export const bundled: Measure = {
  name: 'bundled',
  title: 'Import of a function that esbuild has bundled with Amber, over the same function without',
  run: async (setting) => {
    const files = await bundles(setting);
    const found = byTurns(
      setting.quick ? 5 : 31,
      Object.fromEntries(Object.entries(files).map(([name, file]) => [name, () => cpuMs(file)])),
    );
    const over = (kind: string): number =>
      (found[`wrapped ${kind}`] ?? Number.NaN) - (found[`bare ${kind}`] ?? Number.NaN);
    return ['esm', 'esm minified', 'cjs', 'cjs minified'].map(
      (kind) =>
        ({
          what: `${kind}, armed, CPU over ${(found[`bare ${kind}`] ?? Number.NaN).toFixed(1)} ms bare`,
          ours: over(kind),
          unit: 'ms',
          against: { name: 'the same, not bundled', value: over('unbundled') },
          target: { of: 'ours', most: MAX_MS },
        }) as const,
    );
  },
};
