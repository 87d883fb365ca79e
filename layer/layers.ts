/** The layers, each a list of parts. A new part = one file that exports a {@link LayerPart}, and one word here. */
import { createHash } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { LAYER_CEILINGS } from '../test/budgets.ts';
import type { BuiltLayer, Layer, LayerFile } from './contracts.ts';
import { anyExtension, nodeExtension } from './extension/parts.ts';
import { materials } from './materials.ts';
import { nodeHook } from './node-hook.ts';
import { pythonHook } from './python-hook.ts';
import { zip } from './zip.ts';

export const LAYERS: readonly Layer[] = [
  {
    name: 'node',
    what: "Node functions: run by the runtime's own node",
    architectures: ['x86_64', 'arm64'],
    runtimes: ['nodejs22.x', 'nodejs24.x'],
    parts: [nodeHook, nodeExtension],
    ceilings: LAYER_CEILINGS.node,
  },
  ...(['x64', 'arm64'] as const).map(
    (architecture): Layer => ({
      name: `any-${architecture}`,
      what: 'functions of every runtime on Amazon Linux 2023, by an extension with a Node of its own; Python is recorded',
      architectures: [architecture === 'x64' ? 'x86_64' : 'arm64'],
      runtimes: [
        'python3.12',
        'python3.13',
        'python3.14',
        'java21',
        'java25',
        'dotnet8',
        'dotnet10',
        'ruby3.3',
        'ruby3.4',
        'provided.al2023',
      ],
      parts: [pythonHook, anyExtension(architecture)],
      ceilings: LAYER_CEILINGS.any,
    }),
  ),
];

/** Builds these layers into `outdir`. Nothing is written for a layer that has problems. */
export async function buildLayers(outdir: string, layers: readonly Layer[] = LAYERS): Promise<readonly BuiltLayer[]> {
  mkdirSync(outdir, { recursive: true });
  const built: BuiltLayer[] = [];
  for (const layer of layers) built.push(await buildLayer(outdir, layer));
  return built;
}

async function buildLayer(outdir: string, layer: Layer): Promise<BuiltLayer> {
  const files: LayerFile[] = [];
  for (const part of layer.parts) files.push(...(await part.files()));
  const bytes = await zip(files);
  const size = (some: readonly LayerFile[]): number => some.reduce((sum, file) => sum + file.bytes.byteLength, 0);
  const idle = (kind: LayerFile['idle']): number => size(files.filter((file) => file.idle === kind));
  const sizes = { zipped: bytes.length, unpacked: size(files), hook: idle('hook'), library: idle('library') };
  const file = join(outdir, `lambda-amber-${layer.name}.zip`);
  const problems = [...tooLarge(layer, sizes), ...twice(files)];
  const digest = createHash('sha256').update(bytes).digest();
  const bill = join(outdir, `lambda-amber-${layer.name}.cdx.json`);
  if (problems.length === 0) {
    writeFileSync(file, bytes);
    writeFileSync(
      bill,
      materials(
        layer.name,
        digest.toString('hex'),
        files.flatMap(({ components }) => components ?? []),
      ),
    );
  }
  return {
    name: layer.name,
    file,
    materials: bill,
    ...sizes,
    files: files.length,
    sha256: digest.toString('hex'),
    codeSha256: digest.toString('base64'),
    architectures: layer.architectures,
    runtimes: layer.runtimes,
    problems,
  };
}

const MEASURED = ['zipped', 'unpacked', 'hook', 'library'] as const;

function tooLarge({ ceilings }: Layer, sizes: Readonly<Record<(typeof MEASURED)[number], number>>): string[] {
  return MEASURED.flatMap((name) => {
    const most = ceilings[name];
    return most === undefined || sizes[name] <= most
      ? []
      : [`${name}: ${sizes[name]} bytes, more than the ${most} that it may have`];
  });
}

function twice(files: readonly LayerFile[]): string[] {
  const paths = files.map(({ path }) => path);
  return [...new Set(paths.filter((path, at) => paths.indexOf(path) !== at))].map(
    (path) => `${path} stands in two parts`,
  );
}
