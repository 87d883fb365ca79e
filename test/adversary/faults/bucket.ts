/** A bucket on a real S3 server for captures to land in, and its owner's view of it. */
import { DeleteObjectsCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import type { S3Client } from '@aws-sdk/client-s3';
import { openPrefix } from '../../../src/case/store/s3.ts';
import type { CaseStore, Range, StoredName } from '../../../src/case/store/store.ts';
import { openS3Reader } from '../../../src/ship/s3-read.ts';
import { fauxqs } from '../../servers/fauxqs.ts';
import { radosgw, stopRadosgw } from '../../servers/radosgw.ts';
import { hasPeer } from '../../peers.ts';
import { makeBucket, owner, type Keys } from '../../ship/s3-opened.ts';

/** Objects of one capture by name. */
export type Objects = Map<string, Buffer>;

export interface Bucket {
  /** `radosgw` checks signatures, rights and If-None-Match; `fauxqs` does none of these. */
  readonly server: 'radosgw' | 'fauxqs';
  readonly endpoint: string;
  readonly name: string;
  /** Keys of a user who may write here. */
  readonly keys: Keys;
  /** Keys that the server knows, of a user who may not; undefined where it lets everybody in. */
  readonly strangers: Keys | undefined;
  /** All objects below a prefix, by their names in the folder of the one capture that is there. */
  readonly read: (prefix: string) => Promise<Objects>;
  readonly remove: (...keys: readonly string[]) => Promise<void>;
  /** Keys below a prefix. */
  readonly keysBelow: (prefix: string) => Promise<string[]>;
  readonly close: () => Promise<void>;
}

const OWNER: Keys = { accessKeyId: 'AKIDFAULTS', secretAccessKey: 'faults-secret-that-no-line-holds' };
const STRANGER: Keys = { accessKeyId: 'AKIDSTRANGER', secretAccessKey: 'stranger-secret-that-no-line-holds' };

/** radosgw where its packages are installed, else fauxqs. */
export async function openBucket(name: string): Promise<Bucket> {
  const gateway = ['radosgw', 'radosgw-admin', 'ceph-mon', 'ceph-osd', 'ceph', 'setpriv'].every(hasPeer);
  return gateway ? onRadosgw(name) : onFauxqs(name);
}

async function onRadosgw(name: string): Promise<Bucket> {
  const server = await radosgw({ skip: () => undefined });
  if (server === undefined) return onFauxqs(name);
  await server.createUser(`${name}-owner`, OWNER.accessKeyId, OWNER.secretAccessKey);
  await server.createUser(`${name}-stranger`, STRANGER.accessKeyId, STRANGER.secretAccessKey);
  return opened({ server: 'radosgw', endpoint: server.endpoint, name, strangers: STRANGER }, stopRadosgw);
}

async function onFauxqs(name: string): Promise<Bucket> {
  const server = await fauxqs();
  return opened({ server: 'fauxqs', endpoint: server.endpoint, name, strangers: undefined }, () => server.stop());
}

async function opened(
  facts: Pick<Bucket, 'server' | 'endpoint' | 'name' | 'strangers'>,
  stop: () => Promise<void>,
): Promise<Bucket> {
  const client: S3Client = owner(facts.endpoint, OWNER);
  await makeBucket(client, facts.name);
  // makes radosgw set up its pools
  await client.send(new PutObjectCommand({ Bucket: facts.name, Key: 'first', Body: 'x' }));
  const reader = await openS3Reader(facts.name, {
    config: { s3Endpoint: facts.endpoint, s3PathStyle: true, s3Region: 'us-east-1', s3BucketOwner: undefined },
  });
  const keysBelow = async (prefix: string): Promise<string[]> => {
    const found: string[] = [];
    for await (const { key } of reader.list(prefix)) found.push(key);
    return found;
  };
  return {
    ...facts,
    keys: OWNER,
    keysBelow,
    read: async (prefix) => {
      const store = openPrefix(reader, facts.name, prefix);
      const objects: Objects = new Map();
      for await (const { folder, name } of store.walk()) {
        const pieces: Uint8Array[] = [];
        for await (const piece of store.read(folder === '' ? name : `${folder}/${name}`)) pieces.push(piece);
        objects.set(name, Buffer.concat(pieces));
      }
      return objects;
    },
    remove: async (...keys) => {
      if (keys.length > 0)
        await client.send(
          new DeleteObjectsCommand({
            Bucket: facts.name,
            Delete: { Objects: keys.map((Key) => ({ Key })), Quiet: true },
          }),
        );
    },
    close: async () => {
      client.destroy();
      reader.close();
      await stop();
    },
  };
}

/** The environment of whoever reads: the SDK looks for credentials there. */
export function useKeys(): void {
  process.env['AWS_ACCESS_KEY_ID'] = OWNER.accessKeyId;
  process.env['AWS_SECRET_ACCESS_KEY'] = OWNER.secretAccessKey;
}

/** Objects that were read once, as the folder of a capture. */
export function inMemory(location: string, objects: ReadonlyMap<string, Buffer>): CaseStore {
  const list = (): StoredName[] =>
    [...objects]
      .map(([name, body]) => ({ name, bytes: body.length }))
      .sort((one, other) => (one.name < other.name ? -1 : 1));
  async function* walk(): AsyncGenerator<StoredName & { folder: string }> {
    for (const object of list()) yield await Promise.resolve({ ...object, folder: '' });
  }
  async function* read(name: string, range?: Range): AsyncGenerator<Uint8Array> {
    const body = objects.get(name) ?? Buffer.alloc(0);
    yield await Promise.resolve(range === undefined ? body : body.subarray(range.start, range.start + range.bytes));
  }
  return { location, list: () => Promise.resolve(list()), walk, enter: () => inMemory(location, objects), read };
}
