/** A capture in a process of its own, which gets SIGKILL at a moment. */
import { spawn } from 'node:child_process';
import { mkdtempSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { build } from 'esbuild';
import type { Transport } from '../../ship/s3-opened.ts';
import type { Bucket } from './bucket.ts';
import type { Random } from './cases.ts';
import { BEGIN, type ChildOrder } from './kill-order.ts';
import { SMALL, type PlantedScene } from './scene.ts';

const MAX_MS = 20_000;
/** Lines of an undisturbed capture, the first of them its begin. */
const LINES = 12;

interface OrderParts {
  readonly bucket: Bucket;
  readonly scene: PlantedScene;
  readonly prefix: string;
  readonly transport: Transport;
  readonly recipient: string | undefined;
}

export function orderFor({ bucket, scene, prefix, transport, recipient }: OrderParts): ChildOrder {
  const { roots } = scene;
  return {
    roots,
    options: {
      ...SMALL,
      destination: `s3://${bucket.name}/${prefix}`,
      s3Endpoint: bucket.endpoint,
      s3PathStyle: '1',
      s3Region: 'us-east-1',
      s3Transport: transport,
      maxMs: MAX_MS,
      writable: roots.writable,
      code: roots.code,
      ...(recipient === undefined ? {} : { recipient }),
    },
  };
}

/** One file, so that a process is up within a tenth of a second. */
export async function bundleChild(): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'amber-kill-'));
  writeFileSync(join(folder, 'package.json'), '{"type":"module"}');
  symlinkSync(resolve('node_modules'), join(folder, 'node_modules'));
  await build({
    entryPoints: ['test/adversary/faults/kill-child.ts'],
    outdir: folder,
    outExtension: { '.js': '.mjs' },
    bundle: true,
    format: 'esm',
    platform: 'node',
    target: 'node22.15',
    packages: 'external',
    splitting: true,
    logLevel: 'warning',
  });
  return join(folder, 'kill-child.mjs');
}

/** When the process gets SIGKILL: so long after so many lines of its log. */
interface Moment {
  readonly lines: number;
  readonly delayMs: number;
}

/**
 * By the clock, or by what it has got done: on a busy machine the clock alone would hit the beginning most of the time.
 */
export function drawMoment(index: number, random: Random, usualMs: number): Moment {
  return index % 3 === 0
    ? { lines: 1, delayMs: random() * usualMs }
    : { lines: 1 + Math.floor(random() * LINES), delayMs: random() ** 2 * 60 };
}

export interface Child {
  readonly log: string;
  readonly killed: boolean;
  /** From the begin of the capture to the end of the process. */
  readonly tookMs: number;
}

/** Runs a capture; at that moment the process gets SIGKILL. */
export async function runChild(program: string, order: ChildOrder, { keys }: Bucket, moment?: Moment): Promise<Child> {
  const child = spawn(process.execPath, [program, JSON.stringify(order)], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: {
      PATH: process.env['PATH'],
      AWS_ACCESS_KEY_ID: keys.accessKeyId,
      AWS_SECRET_ACCESS_KEY: keys.secretAccessKey,
      AWS_LAMBDA_FUNCTION_NAME: 'checkout',
      AWS_REGION: 'us-east-1',
    },
  });
  const pieces: Buffer[] = [];
  let began = 0;
  let lines = 0;
  let timer: NodeJS.Timeout | undefined;
  child.stdout.on('data', (piece: Buffer) => {
    pieces.push(piece);
    if (began === 0) began = performance.now();
    lines += piece.toString('latin1').split('\n').length - 1;
    if (moment !== undefined && lines >= moment.lines)
      timer ??= setTimeout(() => child.kill('SIGKILL'), moment.delayMs);
  });
  const [, signal] = await new Promise<[number | null, NodeJS.Signals | null]>((end) =>
    child.once('close', (code, name) => end([code, name])),
  );
  clearTimeout(timer);
  return {
    log: Buffer.concat(pieces).toString('utf8').replace(BEGIN, ''),
    killed: signal === 'SIGKILL',
    tookMs: performance.now() - began,
  };
}
