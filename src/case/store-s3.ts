/** A prefix in S3 as a folder of a capture. */
import type { S3Reader } from '../ship/s3-read.ts';
import type { CaseStore, StoredName } from './store.ts';

/** `prefix` ends with a slash, or is empty. */
export function openPrefix(reader: S3Reader, bucket: string, prefix: string): CaseStore {
  return {
    location: `s3://${bucket}/${prefix}`,
    list: async () => {
      const { objects } = await reader.children(prefix);
      return objects.map(({ key, bytes }) => ({ name: key.slice(prefix.length), bytes }));
    },
    walk: () => walkPrefix(reader, prefix),
    enter: (folder) => openPrefix(reader, bucket, folder === '' ? prefix : `${prefix}${folder}/`),
    read: (name, range) => reader.read(`${prefix}${name}`, range?.start, range?.bytes),
  };
}

async function* walkPrefix(reader: S3Reader, prefix: string): AsyncGenerator<StoredName & { folder: string }> {
  for await (const { key, bytes } of reader.list(prefix)) {
    const path = key.slice(prefix.length);
    const slash = path.lastIndexOf('/');
    yield { folder: slash < 0 ? '' : path.slice(0, slash), name: path.slice(slash + 1), bytes };
  }
}
