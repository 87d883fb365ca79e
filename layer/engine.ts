/**
 * What a capture needs, as one CommonJS text: `engine.cjs` for functions that use require(), and packed into
 * `bundled.js` for bundlers. A bundler that sees modules puts them into the one file that every cold start parses, 17
 * ms of CPU for these; a text is skipped in one, and compiled when a capture is due.
 */
import { basename, resolve } from 'node:path';
import { brotliCompressSync, constants } from 'node:zlib';
import { build, type BuildOptions, type Metafile, type Plugin } from 'esbuild';
import { ownMembers } from './own-members.ts';

/**
 * What `src/index.ts` imports when it is due, by the name of its file: the recipe, orders, what is handed to the
 * extension, detectors.
 */
export const APART: Readonly<Record<string, string>> = {
  capture: 'src/capture/capture.ts',
  control: 'src/host/orders/control.ts',
  'event-order': 'src/host/orders/event-order.ts',
  slots: 'src/ship/slots.ts',
  'hand-over': 'src/host/handoff/hand-over.ts',
  'in-process': 'src/detect/in-process.ts',
};

export interface Engine {
  readonly text: string;
  readonly metafile: Metafile;
}

/** The text: `exports[NAME]()` gives the module of that name in {@link APART}, and runs it at the first call. */
export async function engineText(options: BuildOptions): Promise<Engine> {
  const contents = Object.entries(APART)
    .map(([name, path]) => `exports[${JSON.stringify(name)}] = () => require(${JSON.stringify(`./${path}`)});`)
    .join('\n');
  const { outputFiles, metafile } = await build({
    ...options,
    format: 'cjs',
    outdir: 'unwritten',
    write: false,
    metafile: true,
    minifyIdentifiers: true,
    // Compiled by node:vm, and run by Jest, it has no import().
    supported: { 'dynamic-import': false },
    // The copy in a bundle is no file: without a URL the hash of the own code is null.
    define: { 'import.meta.url': 'amberEngineUrl' },
    banner: {
      js: `var amberEngineUrl = typeof __filename === 'string' ? process.getBuiltinModule('node:url').pathToFileURL(__filename).href : undefined;`,
    },
    stdin: { contents, resolveDir: '.' },
  });
  return { text: ownMembers(outputFiles[0]?.text ?? ''), metafile };
}

/** Where a build of the library has what is due. */
export type Source =
  /** A file each beside it, that ES modules and CommonJS take by import(). In a layer, so is the host. */
  | { readonly from: 'files'; readonly format: 'esm' | 'cjs'; readonly isHostFile: boolean }
  /** `engine.cjs` beside it: CommonJS alone, as Jest runs it. */
  | { readonly from: 'engine.cjs'; readonly format: 'cjs' }
  /** In the same file, packed: for bundlers, which put what they can follow into the one file of a cold start. */
  | { readonly from: 'text'; readonly format: 'esm'; readonly engine: Engine };

/** The host in a layer. */
export const HOST_FILE = 'host.txt';

/** What the idle part compiles when it is due. */
export type Texts = Readonly<Record<'host' | 'recorder' | 'checks', string>>;

/** What the idle part is built with: its texts, and what is due from its source. */
export function builtWith(texts: Texts, source: Source): Plugin {
  const contents: Readonly<Record<string, () => string>> = {
    'amber:texts': () =>
      Object.entries(texts)
        .map(
          ([name, text]) =>
            `export function ${name}Text() { return ${isApart(name, source) ? hostRead(source) : inPieces(text)}; }`,
        )
        .join('\n'),
    'amber:packed': () =>
      `export function packed() { return ${source.from === 'text' ? inPieces(packed(source.engine)) : '[]'}; }`,
    'amber:due': () => dueText(source),
  };
  return {
    name: 'what is due, as texts',
    setup: (builder) => {
      builder.onResolve({ filter: /^amber:/ }, ({ path }) => ({ path, namespace: 'text' }));
      builder.onResolve({ filter: /^\.\/[\w-]+\.c?js$/, namespace: 'text' }, ({ path }) => ({ path, external: true }));
      builder.onResolve({ filter: /\/load\.ts$/ }, () => ({ path: resolve('layer/late.ts') }));
      builder.onLoad({ filter: /^/, namespace: 'text' }, ({ path }) => ({
        contents: contents[path]?.() ?? '',
        resolveDir: 'layer',
      }));
    },
  };
}

function isApart(name: string, source: Source): boolean {
  return name === 'host' && source.from === 'files' && source.isHostFile;
}

function hostRead({ format }: Source): string {
  const file = format === 'esm' ? `new URL('./${HOST_FILE}', import.meta.url)` : `__dirname + '/${HOST_FILE}'`;
  return `[process.getBuiltinModule('node:fs').readFileSync(${file}, 'utf8')]`;
}

function dueText({ from, format }: Source): string {
  if (from === 'text') return `export { due } from './unpack.ts'; export function home() { return 'amber-host.js'; }`;
  const cases = Object.keys(APART).map((name) =>
    from === 'files'
      ? `case ${JSON.stringify(name)}: return import(${JSON.stringify(`./${name}.js`)});`
      : `case ${JSON.stringify(name)}: return require('./engine.cjs')[${JSON.stringify(name)}]();`,
  );
  return `export async function due(name) { switch (name) { ${cases.join(' ')} } }
    export function home() { return ${format === 'esm' ? 'import.meta.url' : '__filename'}; }`;
}

function packed({ text }: Engine): string {
  const params = {
    [constants.BROTLI_PARAM_MODE]: constants.BROTLI_MODE_TEXT,
    [constants.BROTLI_PARAM_SIZE_HINT]: text.length,
  };
  return brotliCompressSync(text, { params }).toString('base64');
}

/** Characters of one literal: of a longer one V8 copies what it has read so far again and again. */
const PIECE = 1024;

/**
 * A text as an array of short literals. It stands in the body of a function, which is skipped until it is called; an
 * arrow function that is an expression would be compiled with the file, and its text be kept.
 */
function inPieces(text: string): string {
  const pieces: string[] = [];
  for (let at = 0; at < text.length; at += PIECE) pieces.push(text.slice(at, at + PIECE));
  return JSON.stringify(pieces);
}

/** The texts: of each, what it shares with the file that compiles it is given, and what is due it asks of `due`. */
export async function idleTexts(options: BuildOptions): Promise<Texts> {
  const [host, recorder, checks] = await Promise.all([
    textOf(options, 'src/host/wrapper/due.ts', { name: 'record', filter: /\/record\/arm\.ts$/ }),
    textOf(options, 'src/record/late.ts', { name: 'kept', filter: /\/kept\.ts$/ }),
    textOf(options, 'src/record/checks/index.ts', { name: 'kept', filter: /\/kept\.ts$/ }),
  ]);
  return { host, recorder, checks };
}

interface Shared {
  readonly name: string;
  readonly filter: RegExp;
}

async function textOf(options: BuildOptions, entry: string, { name, filter }: Shared): Promise<string> {
  const given: Plugin = {
    name: 'what a text is given',
    setup: (builder) => {
      builder.onResolve({ filter }, () => ({ path: `amber:${name}`, external: true }));
      builder.onResolve({ filter: /\.ts$/ }, ({ path, kind }) => {
        const part = basename(path, '.ts');
        return kind === 'dynamic-import' && part in APART ? { path: `amber:${part}`, external: true } : undefined;
      });
    },
  };
  const { outputFiles } = await build({
    ...options,
    entryPoints: { text: entry },
    format: 'cjs',
    write: false,
    metafile: false,
    minifyIdentifiers: true,
    plugins: [given],
  });
  // node:vm compiles it, without import().
  return ownMembers(outputFiles[0]?.text ?? '').replaceAll(/\bimport\("amber:([\w-]+)"\)/gu, 'due("$1")');
}
