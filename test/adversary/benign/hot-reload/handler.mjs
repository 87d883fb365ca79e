import { createRequire } from 'node:module';
import { mkdirSync, writeFileSync } from 'node:fs';

const require = createRequire(import.meta.url);
let version = 0;

export const handler = async () => {
  version += 1;
  mkdirSync('/tmp/rules', { recursive: true });
  writeFileSync('/tmp/rules/rules.cjs', `module.exports = () => ${version};\n`);
  writeFileSync('/tmp/rules/rules.mjs', `export default () => ${version};\n`);
  delete require.cache['/tmp/rules/rules.cjs'];
  const { default: esm } = await import(`/tmp/rules/rules.mjs?version=${version}`);
  return [require('/tmp/rules/rules.cjs')(), esm()];
};
