/**
 * Every rule by which a handler is found, as a small function: files, the handler's name, and what the runtimes make of
 * it.
 */
import { chmodSync, mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Way } from './ways.ts';

/**
 * `ok` and what the handler says of itself, or the type of the error of init; `exit`: the process ends without either.
 */
export interface Expected {
  readonly v3: string;
  readonly v4: string;
  /** Version 4 on Node 22, where it differs. */
  readonly v4on22?: string;
}

export interface Case {
  /** The number of the rule and what is tried. */
  readonly name: string;
  readonly files: Readonly<Record<string, string>>;
  readonly handler: string;
  readonly expected: Expected;
  /** Further variables of the function. */
  readonly env?: Readonly<Record<string, string>>;
  /** A way by which the function ends in another manner than bare, and why that is left so. */
  readonly notBy?: { readonly way: Way; readonly why: string };
}

/** Node reads the package.json of its working directory before it loads what `--require` names. */
const PRELOADS = {
  way: 'preload',
  why: 'Node itself ends at the broken package.json, which the bare function fails of a moment later',
} as const;

const same = (text: string): Expected => ({ v3: text, v4: text });

/** What a handler sees of where it stands. */
const SEEN =
  '[__ID__, process.env._HANDLER, process.argv.length, typeof globalThis.awslambda, Object.keys(globalThis.awslambda ?? {})]';
const esm = (id: string): string =>
  `export const handler = async () => ${SEEN.replace('__ID__', JSON.stringify(id))};\n`;
const cjs = (id: string): string =>
  `exports.handler = async () => [...${SEEN.replace('__ID__', JSON.stringify(id))}, require.main?.filename, module.parent?.filename, Object.keys(require.cache).length, module.paths[0]];\n`;
const MODULE = '{"type":"module"}';
const NOT_FOUND = 'Runtime.HandlerNotFound';
const MALFORMED = 'Runtime.MalformedHandlerName';
const IMPORT = 'Runtime.ImportModuleError';

// biome-ignore format: a table, a row a line
export const CASES: readonly Case[] = [
  { name: 'R1 a name that leads upwards', files: { 'index.mjs': esm('m') }, handler: '../index.handler', expected: same(MALFORMED) },
  { name: 'R1 two dots within the name', files: { 'index.mjs': esm('m') }, handler: 'index..handler', expected: same(MALFORMED) },
  { name: 'R2 a nested path', files: { 'dir/mod.mjs': `export const a = { b: { handler: async () => 'nested' } };\n` }, handler: 'dir/mod.a.b.handler', expected: same('ok nested') },
  { name: 'R2 a dot in the name of a folder', files: { 'my.dir/mod.mjs': esm('dot') }, handler: 'my.dir/mod.handler', expected: same('ok dot') },
  { name: 'R2 a dot in the name of a file', files: { 'my.mod.mjs': esm('dot') }, handler: 'my.mod.handler', expected: same(IMPORT) },
  { name: 'R2 the name of the module stands in that of its folder', files: { 'index.handler/index.mjs': esm('same') }, handler: 'index.handler/index.handler', expected: same(IMPORT) },
  { name: 'R2 an absolute name', files: { 'index.mjs': esm('absolute') }, handler: '@TASK/index.handler', expected: same('ok absolute') },
  { name: 'R2 a leading ./', files: { 'index.mjs': esm('here') }, handler: './index.handler', expected: same('ok here') },
  { name: 'R2 blanks and percent signs', files: { 'a%20b/my%41mod.mjs': esm('percent') }, handler: 'a%20b/my%41mod.handler', expected: same('Error') },
  { name: 'R3 no dot', files: { 'index.mjs': esm('m') }, handler: 'index', expected: same(MALFORMED) },
  { name: 'R3 nothing after the dot', files: { 'index.mjs': esm('m') }, handler: 'index.', expected: same(NOT_FOUND) },
  { name: 'R4 a file without extension', files: { index: cjs('bare') }, handler: 'index.handler', expected: same('ok bare') },
  { name: 'R4 a folder of the name, with an index', files: { 'index/index.js': cjs('folder'), 'index.js': cjs('js') }, handler: 'index.handler', expected: { v3: 'ok js', v4: 'Error' } },
  { name: 'R4 a folder of the name alone, with an index', files: { 'index/index.js': cjs('folder') }, handler: 'index.handler', expected: { v3: 'ok folder', v4: 'Error' } },
  { name: 'R4 a folder of the name, without an index', files: { 'index/readme.txt': '', 'index.mjs': esm('mjs') }, handler: 'index.handler', expected: { v3: IMPORT, v4: 'Error' } },
  { name: 'R4 .js before .mjs before .cjs', files: { 'index.js': cjs('js'), 'index.mjs': esm('mjs'), 'index.cjs': cjs('cjs') }, handler: 'index.handler', expected: same('ok js') },
  { name: 'R4 .mjs before .cjs', files: { 'index.mjs': esm('mjs'), 'index.cjs': cjs('cjs') }, handler: 'index.handler', expected: same('ok mjs') },
  { name: 'R4 .cjs', files: { 'index.cjs': cjs('cjs') }, handler: 'index.handler', expected: same('ok cjs') },
  { name: 'R4 a package of the name', files: { 'node_modules/index/package.json': '{"main":"main.js"}', 'node_modules/index/main.js': cjs('package') }, handler: 'index.handler', expected: same('ok package') },
  { name: 'R4 a package in the folder of the module', files: { 'dir/node_modules/mod/index.js': cjs('package') }, handler: 'dir/mod.handler', expected: same('ok package') },
  { name: 'R4 nothing of the name', files: { 'other.mjs': esm('m') }, handler: 'index.handler', expected: same(IMPORT) },
  { name: 'R4 nothing of the name, in a folder', files: { 'dir/other.mjs': esm('m') }, handler: 'dir/index.handler', expected: same(IMPORT) },
  { name: 'R5 .js in a module package', files: { 'package.json': MODULE, 'index.js': esm('module') }, handler: 'index.handler', expected: same('ok module') },
  { name: 'R5 .js and .mjs in a module package', files: { 'package.json': MODULE, 'index.js': esm('module'), 'index.mjs': esm('mjs') }, handler: 'index.handler', expected: same('ok module') },
  { name: 'R5 CommonJS in a module package', files: { 'package.json': MODULE, 'index.js': cjs('cjs') }, handler: 'index.handler', expected: same('ReferenceError') },
  { name: 'R5 a nested package', files: { 'package.json': MODULE, 'dir/package.json': '{"type":"commonjs"}', 'dir/index.js': cjs('nested') }, handler: 'dir/index.handler', expected: same('ok nested') },
  { name: 'R5 a package.json that is no JSON', files: { 'package.json': '{"type":', 'index.js': cjs('broken') }, handler: 'index.handler', notBy: PRELOADS, expected: same('Error') },
  { name: 'R5 a package.json that is null', files: { 'package.json': 'null', 'index.js': cjs('null') }, handler: 'index.handler', notBy: PRELOADS, expected: same('Error') },
  { name: 'R5 below node_modules', files: { 'package.json': MODULE, 'node_modules/index.js': cjs('modules') }, handler: 'node_modules/index.handler', expected: same('ok modules') },
  { name: 'R6 through a function', files: { 'index.cjs': `module.exports = function outer() {};\nmodule.exports.inner = async () => 'inner';\nmodule.exports.fn = module.exports;\n` }, handler: 'index.fn.inner', expected: { v3: 'ok inner', v4: NOT_FOUND } },
  { name: 'R6 through nothing', files: { 'index.mjs': esm('m') }, handler: 'index.a.b.c', expected: same(NOT_FOUND) },
  { name: 'R6 exports as esbuild writes them: getters that cannot be redefined', files: { 'index.js': `Object.defineProperty(exports, '__esModule', { value: true });\nconst all = {};\nObject.defineProperty(all, 'handler', { enumerable: true, get: () => handler });\nmodule.exports = Object.freeze(all);\nasync function handler() { return 'a getter'; }\n` }, handler: 'index.handler', expected: same('ok a getter') },
  { name: 'R6 a getter that throws', files: { 'index.cjs': `Object.defineProperty(exports, 'handler', { enumerable: true, get() { throw new RangeError('not now'); } });\n` }, handler: 'index.handler', expected: same('RangeError') },
  { name: 'R7 a default export that holds the handler', files: { 'index.mjs': `export default { handler: async () => 'default' };\n` }, handler: 'index.handler', expected: { v3: NOT_FOUND, v4: 'ok default' } },
  { name: 'R7 a default export that is the handler', files: { 'index.mjs': `export default async () => 'default';\n` }, handler: 'index.default', expected: same('ok default') },
  { name: 'R8 CommonJS that exports a promise', files: { 'index.cjs': `module.exports = Promise.resolve({ handler: async () => 'promised' });\n` }, handler: 'index.handler', expected: { v3: 'ok promised', v4: NOT_FOUND } },
  { name: 'R8 CommonJS that exports a promise that rejects', files: { 'index.cjs': `module.exports = Promise.reject(new RangeError('too far'));\n` }, handler: 'index.handler', expected: { v3: 'RangeError', v4: 'exit' } },
  { name: 'R9 nothing exported', files: { 'index.mjs': 'export const other = 1;\n' }, handler: 'index.handler', expected: same(NOT_FOUND) },
  { name: 'R9 an export that is 0', files: { 'index.mjs': 'export const handler = 0;\n' }, handler: 'index.handler', expected: same(NOT_FOUND) },
  { name: 'R9 an export that is an object', files: { 'index.mjs': 'export const handler = {};\n' }, handler: 'index.handler', expected: same(NOT_FOUND) },
  { name: 'R9 an export that is a class', files: { 'index.mjs': 'export class handler {}\n' }, handler: 'index.handler', expected: same('ok !TypeError') },
  { name: 'R9 a malformed streaming mark', files: { 'index.mjs': `export const handler = async () => 1;\nhandler[Symbol.for('aws.lambda.runtime.handler.streaming')] = 'both';\n` }, handler: 'index.handler', expected: { v3: 'ReferenceError', v4: 'Runtime.MalformedStreamingHandler' } },
  { name: 'R10 a syntax error in an ES module', files: { 'index.mjs': 'export const handler = async () => {;\n' }, handler: 'index.handler', expected: same('Runtime.UserCodeSyntaxError') },
  { name: 'R10 a syntax error in CommonJS', files: { 'index.cjs': 'exports.handler = async () => {;\n' }, handler: 'index.handler', expected: same('Runtime.UserCodeSyntaxError') },
  { name: 'R10 an export that a dependency does not have', files: { 'index.mjs': `import { nothing } from './lib.mjs';\nexport const handler = async () => nothing;\n`, 'lib.mjs': 'export const something = 1;\n' }, handler: 'index.handler', expected: same('Runtime.UserCodeSyntaxError') },
  { name: 'R10 a dependency that is missing, required', files: { 'index.js': `require('not-there');\n${cjs('x')}` }, handler: 'index.handler', expected: same(IMPORT) },
  { name: 'R10 a dependency that is missing, imported', files: { 'index.mjs': `import 'not-there';\n${esm('x')}` }, handler: 'index.handler', expected: same('Error') },
  { name: 'R10 a file that is missing, imported', files: { 'index.mjs': `import './not-there.mjs';\n${esm('x')}` }, handler: 'index.handler', expected: same('Error') },
  { name: 'R10 a throw, in an ES module', files: { 'index.mjs': `class PaymentError extends Error { name = 'PaymentError'; code = 7; }\nthrow new PaymentError('no money');\n` }, handler: 'index.handler', expected: same('PaymentError') },
  { name: 'R10 a throw, in CommonJS', files: { 'index.js': `throw new TypeError('early');\n` }, handler: 'index.handler', expected: same('TypeError') },
  { name: 'R10 a thrown text', files: { 'index.mjs': `throw 'a text';\n` }, handler: 'index.handler', expected: same('string') },
  { name: 'R10 a thrown null', files: { 'index.mjs': 'throw null;\n' }, handler: 'index.handler', expected: { v3: 'TypeError', v4: 'object' } },
  { name: 'R11 a module that waits', files: { 'index.mjs': `await new Promise((resolve) => setTimeout(resolve, 300));\n${esm('waited')}` }, handler: 'index.handler', expected: same('ok waited') },
  { name: 'R11 a module that waits and rejects', files: { 'index.mjs': `await Promise.reject(new RangeError('no'));\n${esm('x')}` }, handler: 'index.handler', expected: same('RangeError') },
  { name: 'R11 a module that waits for nothing', files: { 'index.mjs': 'await new Promise(() => undefined);\nexport const handler = 1;\n' }, handler: 'index.handler', expected: same('exit') },
  { name: 'R12 require() of an ES module', files: { 'index.cjs': `const { value } = require('./lib.mjs');\nexports.handler = async () => value;\n`, 'lib.mjs': `export const value = 'required';\n` }, handler: 'index.handler', expected: { v3: 'Error', v4: 'ok required', v4on22: 'Error' } },
  { name: 'R13 streaming is there before the function', files: { 'index.mjs': `export const handler = awslambda.streamifyResponse(async (event, stream) => { stream.write('"streamed"'); stream.end(); }, { highWaterMark: 5 });\n` }, handler: 'index.handler', expected: same('ok streamed') },
  { name: 'R13 no global awslambda', files: { 'index.mjs': esm('none') }, handler: 'index.handler', env: { AWS_LAMBDA_NODEJS_NO_GLOBAL_AWSLAMBDA: '1' }, expected: same('ok none') },
  { name: 'R14 a package found by NODE_PATH', files: { 'index.js': `exports.handler = async () => require('shared').name;\n`, 'path/shared/index.js': `exports.name = 'by NODE_PATH';\n` }, handler: 'index.handler', env: { NODE_PATH: '@TASK/path' }, expected: same('ok by NODE_PATH') },
  { name: 'P10 the names of the function\'s own handler and folder', files: { 'dir/index.mjs': `const early = process.env._HANDLER;\nexport const handler = async () => [early, process.env._HANDLER, process.cwd() === process.env.LAMBDA_TASK_ROOT, import.meta.filename];\n` }, handler: 'dir/index.handler', expected: same('ok dir/index.handler') },
];

/** A folder below `home` with these files. */
export function makeFunction(home: string, files: Case['files']): string {
  const folder = mkdtempSync(join(home, 'task-'));
  chmodSync(folder, 0o755);
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), text);
  }
  return folder;
}
