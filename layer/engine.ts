/**
 * What a capture needs, as one CommonJS text: `engine.cjs` for functions that use require(), and packed into
 * `bundled.js` for bundlers. A bundler that sees modules puts them into the one file that every cold start parses, 17
 * ms of CPU for these; a text is skipped in one, and compiled when a capture is due.
 */
import { brotliCompressSync, constants } from 'node:zlib';
import { build, type BuildOptions, type Metafile, type Plugin } from 'esbuild';

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
  return { text: outputFiles[0]?.text ?? '', metafile };
}

/** In the idle part: what is due comes out of `engine.cjs` beside it. */
export const REQUIRED: Plugin = dueFrom(
  './engine.cjs',
  (name) => `module.exports = require('./engine.cjs')[${JSON.stringify(name)}]();`,
);

/** In `bundled.js`: the host as a text, and the engine packed. */
export function packedIn({ text }: Engine, host: string): Plugin {
  const bytes = brotliCompressSync(text, {
    params: {
      [constants.BROTLI_PARAM_MODE]: constants.BROTLI_MODE_TEXT,
      [constants.BROTLI_PARAM_SIZE_HINT]: text.length,
    },
  });
  return {
    name: 'what is due, as texts',
    setup: (builder) => {
      builder.onResolve({ filter: /^amber:/ }, ({ path }) => ({ path, namespace: 'text' }));
      builder.onLoad({ filter: /^amber:packed$/, namespace: 'text' }, () => ({
        contents: `export function packed() { return ${inPieces(bytes.toString('base64'))}; }`,
      }));
      builder.onLoad({ filter: /^amber:host$/, namespace: 'text' }, () => ({
        contents: `export function hostText() { return ${inPieces(host)}; }`,
      }));
    },
  };
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

/**
 * The host as one CommonJS text. The errors and the recorder are those of the file that compiles it, the rest comes out of the engine.
 */
export async function hostText(options: BuildOptions): Promise<string> {
  const given: Plugin = {
    name: 'what the host is given',
    setup: (builder) => {
      builder.onResolve({ filter: /\/errors\.ts$/ }, () => ({ path: 'amber:errors', external: true }));
      builder.onResolve({ filter: /\/record\/arm\.ts$/ }, () => ({ path: 'amber:record', external: true }));
      builder.onResolve({ filter: /\.ts$/ }, ({ path, kind }) => {
        const name = /([^/]+)\.ts$/u.exec(path)?.[1] ?? '';
        return kind === 'dynamic-import' && name in APART ? { path: name, external: true } : undefined;
      });
    },
  };
  const { outputFiles } = await build({
    ...options,
    entryPoints: { host: 'src/host/wrapper/due.ts' },
    format: 'cjs',
    write: false,
    metafile: false,
    minifyIdentifiers: true,
    supported: { 'dynamic-import': false },
    plugins: [given],
  });
  return outputFiles[0]?.text ?? '';
}

function dueFrom(source: string, contents: (name: string) => string): Plugin {
  return {
    name: `what is due from ${source}`,
    setup: (builder) => {
      builder.onResolve({ filter: /^/ }, ({ path, kind }) => {
        if (path === source) return path.startsWith('.') ? { path, external: true } : { path, namespace: 'packed' };
        const name = /([^/]+)\.ts$/u.exec(path)?.[1] ?? '';
        return kind === 'dynamic-import' && name in APART ? { path: name, namespace: 'due' } : undefined;
      });
      builder.onLoad({ filter: /^/, namespace: 'due' }, ({ path }) => ({ contents: contents(path), resolveDir: '.' }));
    },
  };
}
