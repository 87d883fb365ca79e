/**
 * The recorder compiled for each Python that the build finds: without it every cold start compiles 900 lines. Another
 * version, and a build without these programs, does without: Python then reads the sources.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { LayerFile } from './contracts.ts';
import { pythonOf } from './pythons.ts';

/** Versions that Lambda has a managed runtime of on Amazon Linux 2023. */
const VERSIONS = ['3.12', '3.13', '3.14'] as const;

/** Unchecked: the files of a layer have no times of their own. The names in it are those that they have on Lambda. */
const COMPILE = `
import os, py_compile, sys
folder, out, seen = sys.argv[1:]
mode = py_compile.PycInvalidationMode.UNCHECKED_HASH
for name in sorted(os.listdir(folder)):
    if name.endswith(".py"):
        pyc = "%s.%s.pyc" % (name[:-3], sys.implementation.cache_tag)
        py_compile.compile(os.path.join(folder, name), os.path.join(out, pyc), seen + name, True, 0, mode)
`;

export function bytecode(sources: string, place: string): readonly LayerFile[] {
  return VERSIONS.flatMap((version) => {
    const program = pythonOf(version);
    return program === undefined ? [] : compiled(program, sources, place);
  });
}

function compiled(program: string, sources: string, place: string): readonly LayerFile[] {
  const out = mkdtempSync(join(tmpdir(), 'amber-bytecode-'));
  try {
    // Isolated and with one seed: the same bytes each time.
    const { status } = spawnSync(program, ['-I', '-S', '-c', COMPILE, sources, out, `/opt/${place}/`], {
      env: { PATH: process.env['PATH'], HOME: process.env['HOME'], PYTHONHASHSEED: '0' },
    });
    if (status !== 0) return [];
    return readdirSync(out)
      .sort()
      .map((name) => ({ path: `${place}/__pycache__/${name}`, bytes: readFileSync(join(out, name)) }));
  } finally {
    rmSync(out, { recursive: true });
  }
}
