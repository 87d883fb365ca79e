/** Where the blocks of the documents are run: a folder as a responder has it, an S3 server, a control plane. */
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import type { TestContext } from 'node:test';
import { GetObjectCommand, PutObjectCommand, type S3Client } from '@aws-sdk/client-s3';
import { generateIdentity, identityToRecipient } from 'age-encryption';
import { writeLogEvidence } from '../../src/ship/log.ts';
import type { Order } from '../../src/trigger/order.ts';
import { freshFolder, makeCapture } from '../case/captures.ts';
import { configured } from '../cli/function-orders.ts';
import { COMMAND, program } from '../cli/program.ts';
import { fauxqsPlace, KEYS, type WarmPlace } from '../e2e/warm-places.ts';
import { makeBucket } from '../ship/s3-opened.ts';
import type { Where } from './blocks.ts';

export interface Place {
  readonly folder: string;
  readonly env: Readonly<Record<string, string>>;
}

const BUCKET = 'evidence-bucket';
const id = (number: number): string => `0197c0de-0000-7000-8000-${String(number).padStart(12, '0')}`;

/** The place, or undefined after the test was skipped. */
export async function placeFor(where: Where, t: TestContext): Promise<Place | undefined> {
  const folder = freshFolder();
  const here = {
    folder,
    env: { PATH: `${join(folder, 'bin')}:/usr/bin:/bin`, HOME: folder, AWS_EC2_METADATA_DISABLED: 'true' },
  };
  addCommand(folder);
  if (where === 'empty') return here;
  await fill(folder);
  if (where === 'case') return here;
  rmSync(join(folder, 'case'), { recursive: true }); // that is what is pulled
  const warm = await fauxqsPlace(t);
  await makeBucket(warm.client, BUCKET);
  await upload(warm.client, join(folder, '.amber/demo/evidence'));
  const env = {
    ...here.env,
    AWS_ACCESS_KEY_ID: KEYS.accessKeyId,
    AWS_SECRET_ACCESS_KEY: KEYS.secretAccessKey,
    AWS_REGION: 'eu-central-1',
    AMBER_S3_ENDPOINT: warm.endpoint,
    AMBER_S3_PATH_STYLE: '1',
    AMBER_S3_REGION: 'us-east-1',
  };
  if (where === 'bucket') return { folder, env };
  const { publicKey } = JSON.parse((await program(['trigger', '--new-key', join(folder, 'keys'), '--json'])).out) as {
    publicKey: string;
  };
  const set = await configured(t, { ...warm.env, AMBER_CONTROL_KEY: publicKey });
  if (set === undefined) return undefined;
  await warm.write({ amber: 1, state: 'idle' });
  answerOrders(warm, t);
  return { folder, env: { ...env, AWS_ENDPOINT_URL: set.proxy.endpoint } };
}

function addCommand(folder: string): void {
  mkdirSync(join(folder, 'bin'));
  writeFileSync(join(folder, 'bin/amber'), `#!/bin/sh\nexec ${process.execPath} ${COMMAND} "$@"\n`, { mode: 0o755 });
}

/** Cases that are whole, cut and sealed, and their log. */
async function fill(folder: string): Promise<void> {
  for (const [evidence, log, number] of [
    ['.amber/demo/evidence', '.amber/demo/function.log', 1],
    ['evidence', 'function.log', 2],
  ] as const) {
    const into = join(folder, evidence);
    mkdirSync(into, { recursive: true });
    const made = await makeCapture({ into, captureId: id(number) });
    writeFileSync(join(folder, log), `${made.log}${await summaryLines(id(number))}`);
    if (number === 2) cpSync(made.folder, join(folder, 'case'), { recursive: true });
  }
  const cut = await makeCapture({ apart: true, captureId: id(3) });
  for (const name of ['manifest.json', 'capture-0002.tar.zst']) rmSync(join(cut.folder, name));
  cpSync(cut.folder, join(folder, 'cut'), { recursive: true });
  const identity = await generateIdentity();
  writeFileSync(join(folder, 'key.txt'), identity);
  const sealed = await makeCapture({ apart: true, captureId: id(4), recipient: await identityToRecipient(identity) });
  cpSync(sealed.folder, join(folder, 'sealed'), { recursive: true });
}

/** What a capture leaves in the log where nobody takes its first segment. */
async function summaryLines(captureId: string): Promise<string> {
  const lines: string[] = [];
  const processes = [
    {
      pid: 1,
      ppid: 0,
      comm: 'node',
      start: '2025-06-30T09:00:00.000Z',
      exe: '/var/lang/bin/node',
      argv: ['node', 'index.mjs'],
      sockets: 0,
      open: [],
    },
  ];
  await writeLogEvidence(
    {
      captureId,
      summary: {
        captureId,
        started: '2025-06-30T09:16:40.000Z',
        cause: { trigger: 'flag', reason: 'a test' },
        processesInAll: 1,
        inet: [],
        processes,
      },
    },
    (line) => lines.push(line),
    { lineBytes: 400 },
  );
  return `${lines.join('\n')}\n`;
}

async function upload(client: S3Client, from: string): Promise<void> {
  for (const entry of readdirSync(from, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const path = join(entry.parentPath, entry.name);
    await client.send(
      new PutObjectCommand({ Bucket: BUCKET, Key: `amber/${relative(from, path)}`, Body: readFileSync(path) }),
    );
  }
}

const STREAMS = [0, 1, 2].map((number) => `2025/06/30/[$LATEST]${number.toString(16).padStart(32, '0')}`);

/** Stands for the warm sandboxes: leaves a capture of each when the control object holds an order. */
function answerOrders(warm: WarmPlace, t: TestContext): void {
  const [, Bucket, Key] = /^s3:\/\/([^/]+)\/(.*)$/u.exec(warm.env['AMBER_CONTROL'] ?? '') ?? [];
  let isOver = false;
  const look = async (): Promise<void> => {
    const { Body } = await warm.client.send(new GetObjectCommand({ Bucket, Key }));
    const order = JSON.parse((await Body?.transformToString()) ?? '{}') as Order;
    if (order.state !== 'capture') return;
    isOver = true;
    for (const [number, stream] of STREAMS.entries()) await leave(warm, order, stream, 10 + number);
  };
  const timer = setInterval(() => {
    if (!isOver) look().catch(() => undefined); // the next one tries again
  }, 200);
  t.after(() => clearInterval(timer));
}

async function leave(warm: WarmPlace, order: Order, logStream: string, number: number): Promise<void> {
  const started = new Date().toISOString();
  const captureId = id(number);
  const manifest = {
    format: 'amber-capture/1',
    captureId,
    state: 'whole',
    cause: { trigger: 'control', reason: order.reason, order: { id: order.id } },
    identity: { functionName: 'checkout', logStream },
    tool: { name: 'lambda-amber', version: '0', sha256: null, node: 'v24' },
    clocks: { started, ended: started, elapsedMs: 1, destinationOffsetSeconds: null },
    compression: 'zstd',
    recipient: null,
    segments: [],
    tarball: { sha256: '0'.repeat(64), bytes: 0, tarBytes: 0 },
    chain: { head: null, parts: 0 },
    outcomes: {},
    collectors: {},
    exceptions: [],
    redactions: 0,
    cost: { cpuMs: 0, rssBefore: 0, rssAfter: 0 },
    limits: {},
  };
  const Key = `amber/account=123456789012/region=eu-central-1/function=checkout/date=${started.slice(0, 10)}/capture=${captureId}/manifest.json`;
  await warm.client.send(new PutObjectCommand({ Bucket: warm.evidence, Key, Body: JSON.stringify(manifest) }));
}
