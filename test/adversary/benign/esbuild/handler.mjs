import { mkdirSync, writeFileSync } from 'node:fs';
import { build } from 'esbuild';

let turn = 0;

export const handler = async () => {
  turn += 1;
  mkdirSync('/tmp/bundles', { recursive: true });
  writeFileSync('/tmp/bundles/source.ts', `export const answer: number = ${turn};\n`);
  const outfile = `/tmp/bundles/out-${turn}.mjs`;
  await build({ entryPoints: ['/tmp/bundles/source.ts'], outfile, bundle: true, format: 'esm' });
  return (await import(outfile)).answer;
};
