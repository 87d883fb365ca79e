/** `npm run build:layer [-- --json] [-- --only NAME]`: the layers into dist/layer/, with their sizes and digests. */
import { rmSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { buildLayers, LAYERS } from './layers.ts';

const { values } = parseArgs({
  options: {
    json: { type: 'boolean', default: false },
    only: { type: 'string', multiple: true },
    outdir: { type: 'string', default: 'dist/layer' },
  },
});
const chosen = LAYERS.filter(({ name }) => values.only === undefined || values.only.includes(name));
if (values.only === undefined) rmSync(values.outdir, { recursive: true, force: true });
const built = await buildLayers(values.outdir, chosen);

if (values.json) {
  console.log(JSON.stringify(built, undefined, 1));
} else {
  const kib = (bytes: number): string => `${(bytes / 1024).toFixed(1)} KiB`;
  for (const layer of built) {
    console.log(
      `${layer.name}  ${layer.file}  ${kib(layer.zipped)} zipped, ${kib(layer.unpacked)} unpacked, ${layer.files} files; each cold start reads ${kib(layer.hook + layer.library)}`,
    );
    console.log(`  sha256 ${layer.sha256}  ${layer.architectures.join(' ')}  ${layer.runtimes.join(' ')}`);
  }
}
for (const { name, problems } of built) for (const problem of problems) console.error(`${name}: ${problem}`);
process.exitCode = chosen.length > 0 && built.every(({ problems }) => problems.length === 0) ? 0 : 1;
