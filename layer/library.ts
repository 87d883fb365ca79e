/** The library as it is published: what an idle function loads is one file, what a capture needs is another. */
import { readFileSync, writeFileSync } from 'node:fs';
import { isBuiltin } from 'node:module';
import { join, resolve } from 'node:path';
import { build, type BuildOptions, type Metafile, type Plugin } from 'esbuild';
import { EAGER } from './eager.ts';
import { APART, builtWith, engineText, HOST_FILE, idleTexts, type Source, type Texts } from './engine.ts';
import { ownMembers } from './own-members.ts';
import { notices } from './third-party.ts';

const COMMON: BuildOptions = {
  bundle: true,
  format: 'esm',
  platform: 'node',
  target: 'node22.15',
  minifySyntax: true,
  minifyWhitespace: true,
  metafile: true,
  logLevel: 'warning',
};

/**
 * What stays an import: the function's own copy of the SDK serves, and the others are rarely asked for. The small
 * packages that every capture needs (uuid, aws4, and the decoder of recipients) go in: to find and load them took 25
 * ms, two thirds of what a capture took to load.
 */
const EXTERNAL = ['@aws-sdk/*', '@smithy/*', 'systeminformation'];

/** For a layer, that stands alone: the SDK is inside, without the commands that a capture does not send. */
const COMPLETE = {
  // Of each package its ES modules, from which what nobody imports can be left out.
  mainFields: ['module', 'main'],
} satisfies BuildOptions;

/** What `src/ship/s3-sdk.ts` asks of the SDK at run time is one file that imports no more than it uses. */
const SDK: Plugin = {
  name: 'the S3 client with the commands that are sent',
  setup: (builder) => {
    builder.onResolve({ filter: /^@aws-sdk\/client-s3$/ }, ({ kind }) =>
      kind === 'dynamic-import' ? { path: resolve('layer/s3-client.ts') } : undefined,
    );
  },
};

export interface LibraryFiles {
  /** Of `index.js`: the sources in it, and the modules that it imports. */
  readonly idle: Metafile;
  /** Of what is loaded when it is due. */
  readonly due: Metafile;
}

/**
 * Built-in modules by `process.getBuiltinModule`. An `import` makes a facade that asks a module for all it has, and so
 * loads what nobody uses: node:http brings undici (19 ms), node:fs its streams.
 */
export const BUILTINS: Plugin = {
  name: 'built-in modules without their facades',
  setup: (builder) => {
    builder.onResolve({ filter: /^/ }, ({ path, kind }) => {
      if (!isBuiltin(path)) return undefined;
      if (kind === 'dynamic-import') return { path, external: true };
      return { path, namespace: kind === 'require-call' ? 'required' : 'imported', sideEffects: false };
    });
    builder.onLoad({ filter: /^/, namespace: 'required' }, ({ path }) => ({
      contents: `module.exports = process.getBuiltinModule(${JSON.stringify(path)});`,
    }));
    builder.onLoad({ filter: /^/, namespace: 'imported' }, ({ path }) => ({ contents: importedText(path) }));
  },
};

/** Every member as an export; the bundler leaves out those that are not imported. */
function importedText(path: string): string {
  const names = Object.keys(process.getBuiltinModule(path) ?? {}).filter(
    (name) => /^[a-z_$][\w$]*$/iu.test(name) && name !== 'default',
  );
  return [
    `const all = process.getBuiltinModule(${JSON.stringify(path)});`,
    'const member = (name) => all[name];',
    'export default all;',
    ...names.map(
      (name) =>
        `const own_${name} = /* @__PURE__ */ member(${JSON.stringify(name)}); export { own_${name} as ${name} };`,
    ),
  ].join('\n');
}

/**
 * Writes the library into `outdir`: `index.js` for import, `index.cjs` for require(), `bundled.js` for bundlers.
 *
 * Each is the idle part (`layer/idle.ts`), in which the host and the late parts of the recorder are texts. Modules that
 * several of them need (errors, log line) stand in each, and an idle function reads one file. An error of either copy is
 * an AmberError to the other.
 *
 * `complete`: nothing stays an import, see {@link COMPLETE}, and what every cold start reads is as short as it can be.
 * A layer is not bundled, and what is due is there once: `index.cjs` takes it by import(), which runs wherever a layer
 * does.
 */
export async function buildLibrary(
  outdir: string,
  options: { readonly complete?: boolean } = {},
): Promise<LibraryFiles> {
  const complete = options.complete === true;
  const part = {
    ...COMMON,
    metafile: true,
    packages: 'external',
    outdir,
    minifyIdentifiers: true,
  } as const;
  const apart = {
    ...COMMON,
    ...(complete ? COMPLETE : { external: EXTERNAL }),
    plugins: complete ? [BUILTINS, SDK] : [BUILTINS],
  };
  const texts = await idleTexts(part);
  if (complete) writeFileSync(join(outdir, HOST_FILE), texts.host);
  const cjs = { ...part, format: 'cjs', outExtension: { '.js': '.cjs' } } as const;
  const [idle, capture] = await Promise.all([
    idlePart('index', part, texts, { from: 'files', format: 'esm', isHostFile: complete }),
    build({
      ...apart,
      metafile: true,
      outdir,
      entryPoints: { ...APART },
      splitting: true,
      chunkNames: 'chunks/[name]-[hash]',
    }),
    idlePart(
      'index',
      cjs,
      texts,
      complete ? { from: 'files', format: 'cjs', isHostFile: true } : { from: 'engine.cjs', format: 'cjs' },
    ),
  ]);
  if (!complete) {
    const engine = await engineText(apart);
    writeFileSync(join(outdir, 'engine.cjs'), engine.text);
    await idlePart('bundled', part, texts, { from: 'text', format: 'esm', engine });
  }
  rewrite(capture.metafile);
  writeFileSync(join(outdir, 'THIRD-PARTY.txt'), notices(capture.metafile));
  return { idle, due: capture.metafile };
}

function rewrite({ outputs }: Metafile): void {
  for (const path of Object.keys(outputs)) writeFileSync(path, ownMembers(readFileSync(path, 'utf8')));
}

/** Under this name, what an idle function reads. */
async function idlePart(name: string, options: BuildOptions, texts: Texts, source: Source): Promise<Metafile> {
  const { metafile } = await build({
    ...options,
    metafile: true,
    entryPoints: { [name]: 'layer/idle.ts' },
    plugins: [builtWith(texts, source), EAGER],
  });
  rewrite(metafile);
  return metafile;
}
