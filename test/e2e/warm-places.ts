/** S3 servers with a bucket for evidence and a control object in another one, as a warm sandbox meets them. */
import type { TestContext } from 'node:test';
import { GetObjectCommand, ListObjectsV2Command, PutObjectCommand, type S3Client } from '@aws-sdk/client-s3';
import { fauxqs } from '../servers/fauxqs.ts';
import { radosgw } from '../servers/radosgw.ts';
import { makeBucket, owner } from '../ship/s3-opened.ts';

export const KEYS = { accessKeyId: `AKIDWARM${String(process.pid)}`, secretAccessKey: 'warm-sandbox-secret' };
const CONTROL = 'amber-control/orders.json';

export interface WarmPlace {
  readonly endpoint: string;
  readonly client: S3Client;
  /** Variables of a function that writes and reads there. */
  readonly env: Readonly<Record<string, string>>;
  readonly write: (document: unknown) => Promise<void>;
  /** The commit markers of the captures that are there, with capture.json's place beside them. */
  readonly manifests: (bucket?: string) => Promise<readonly Manifest[]>;
  readonly evidence: string;
}

export interface Manifest {
  readonly state: string;
  readonly cause: {
    readonly trigger: string;
    readonly reason: string;
    readonly requester?: string;
    readonly order?: Readonly<Record<string, unknown>>;
  };
}

let made = 0;
let user: Promise<void> | undefined;

async function placeAt(endpoint: string, client: S3Client): Promise<WarmPlace> {
  made += 1;
  const evidence = `warm-evidence-${String(process.pid)}-${String(made)}`;
  const control = `warm-control-${String(process.pid)}-${String(made)}`;
  for (const bucket of [evidence, control]) await makeBucket(client, bucket);
  const write = async (document: unknown): Promise<void> => {
    const Body = typeof document === 'string' ? document : JSON.stringify(document);
    await client.send(new PutObjectCommand({ Bucket: control, Key: CONTROL, Body }));
  };
  return {
    endpoint,
    client,
    write,
    evidence,
    env: {
      AMBER_DESTINATION: `s3://${evidence}/amber`,
      AMBER_CONTROL: `s3://${control}/${CONTROL}`,
      AMBER_S3_ENDPOINT: endpoint,
      AMBER_S3_PATH_STYLE: '1',
      AMBER_S3_REGION: 'us-east-1',
      AMBER_S3_TRANSPORT: 'light',
      AMBER_COMPRESSION: 'none',
      AMBER_CONTROL_TTL_MS: '0',
      AMBER_COOLDOWN_MS: '0',
      AMBER_DETECT: 'off',
      AMBER_COLLECT: '-inventory,-recovered,-writable,-timeline,-code',
      AWS_ACCESS_KEY_ID: KEYS.accessKeyId,
      AWS_SECRET_ACCESS_KEY: KEYS.secretAccessKey,
      AWS_SESSION_TOKEN: '',
    },
    manifests: async (bucket = evidence) => {
      const { Contents } = await client.send(new ListObjectsV2Command({ Bucket: bucket }));
      const keys = (Contents ?? []).map(({ Key }) => Key ?? '').filter((key) => key.endsWith('/manifest.json'));
      return Promise.all(
        keys.map(async (Key) => {
          const { Body } = await client.send(new GetObjectCommand({ Bucket: bucket, Key }));
          return JSON.parse(await Body!.transformToString()) as Manifest;
        }),
      );
    },
  };
}

/** fauxqs: always there. */
export async function fauxqsPlace(t: TestContext): Promise<WarmPlace> {
  const server = await fauxqs();
  const client = owner(server.endpoint, KEYS);
  t.after(async () => {
    client.destroy();
    await server.stop();
  });
  return placeAt(server.endpoint, client);
}

/** radosgw checks signatures and conditions; undefined where it is not installed. */
export async function radosgwPlace(t: TestContext): Promise<WarmPlace | undefined> {
  const server = await radosgw(t);
  if (server === undefined) return undefined;
  user ??= server.createUser(`warm-${String(process.pid)}`, KEYS.accessKeyId, KEYS.secretAccessKey);
  await user;
  const client = owner(server.endpoint, KEYS);
  t.after(() => client.destroy());
  return placeAt(server.endpoint, client);
}
