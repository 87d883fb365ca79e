/** The part of the layer that stands in front of a Python function: handler redirect, recorder, exec wrapper. */
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { LayerFile, LayerPart } from './contracts.ts';
import { execWrapper } from './exec-wrapper.ts';
import { bytecode } from './python-bytecode.ts';

/** Lambda finds packages of layers in /opt/python. */
const PACKAGE = 'python/lambda_amber';
const SOURCES = join(import.meta.dirname, PACKAGE);

export const pythonHook: LayerPart = {
  name: 'python-hook',
  what: 'handler redirect, recorder and exec wrapper of Python functions',
  files: async () => Promise.resolve([execWrapper(), ...sources(), ...bytecode(SOURCES, PACKAGE)]),
};

function sources(): LayerFile[] {
  return globSync('*.py', { cwd: SOURCES })
    .sort()
    .map((name) => ({ path: `${PACKAGE}/${name}`, bytes: readFileSync(join(SOURCES, name)), idle: 'hook' as const }));
}
