// For rollup: the types of the package as one file that imports nothing but Node's, so that a project that checks it needs no
// dependency of ours.
import { dts } from 'rollup-plugin-dts';

// The same twice: what uses require() is typed by a file of its own (TypeScript, "Modules - Reference", node16).
export default {
  input: 'src/index.ts',
  external: /^node:/u,
  plugins: [dts({ tsconfig: 'layer/tsconfig.package.json' })],
  output: ['ts', 'cts'].map((end) => ({ file: `dist/index.d.${end}`, format: 'es' })),
};
