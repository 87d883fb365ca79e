/** An S3 server on loopback with a control object, for extensions that are to be given an order. */
import { CreateBucketCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { fauxqs } from '../../servers/fauxqs.ts';
import type { Stage } from '../../sandbox/emulator.ts';
import { storedCaptures, type Stored } from '../extension/captures.ts';
import { IDLE } from './orders.ts';

export interface OrderChannel {
  /** Variables of a function that reads it, at every invocation. */
  readonly env: Readonly<Record<string, string>>;
  readonly write: (document: unknown) => Promise<unknown>;
}

/** Says `idle` until something is written. */
export async function orderChannel(t: { after: (done: () => Promise<void> | void) => void }): Promise<OrderChannel> {
  const server = await fauxqs();
  t.after(() => server.stop());
  const client = new S3Client({
    endpoint: server.endpoint,
    region: 'eu-central-1',
    forcePathStyle: true,
    credentials: { accessKeyId: 'a', secretAccessKey: 'b' },
  });
  t.after(() => client.destroy());
  await client.send(new CreateBucketCommand({ Bucket: 'control' }));
  const write = (document: unknown): Promise<unknown> =>
    client.send(new PutObjectCommand({ Bucket: 'control', Key: 'orders.json', Body: JSON.stringify(document) }));
  await write(IDLE);
  return {
    write,
    env: {
      AMBER_CONTROL: 's3://control/orders.json',
      AMBER_CONTROL_TTL_MS: '0',
      AMBER_S3_ENDPOINT: server.endpoint,
      AMBER_S3_PATH_STYLE: '1',
    },
  };
}

/** Invokes until the order is carried out: a busy machine may not answer a read of the channel in its 150 ms. */
export async function obeyed(
  stage: Pick<Stage, 'ground' | 'idle' | 'invoke'>,
  event: object,
): Promise<Stored | undefined> {
  for (let tries = 0; tries < 20; tries += 1) {
    await stage.invoke(event);
    await stage.idle();
    const done = (await storedCaptures(stage.ground.evidence)).find(
      ({ manifest }) => manifest?.cause.trigger === 'control',
    );
    if (done !== undefined) return done;
  }
  return undefined;
}
