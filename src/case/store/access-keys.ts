/** The access keys that sandboxes had when they were captured: each leads to what was done with it, in CloudTrail. */
import { isAmberError } from '../../errors.ts';
import { findCaptures } from './list.ts';
import { parseManifest } from './manifest-file.ts';
import { readWhole, type CaseStore } from './store.ts';

const KEY_ID = /^A[SK]IA[A-Z0-9]{12,124}$/u;
const MAX_KEYS = 1000;
const MAX_MANIFEST = 64 * 1024 * 1024;

/**
 * Key ids of the captures of `functionName` below the store, in the order in which they are found; at most a thousand.
 */
export async function accessKeysOf(store: CaseStore, functionName: string): Promise<readonly string[]> {
  const keys = new Set<string>();
  for await (const { folder, objects } of findCaptures(store)) {
    if (!objects.some(({ name }) => name === 'manifest.json')) continue;
    const key = await keyOf(store.enter(folder), functionName);
    if (key !== undefined) keys.add(key);
    if (keys.size >= MAX_KEYS) break;
  }
  return [...keys];
}

async function keyOf(store: CaseStore, functionName: string): Promise<string | undefined> {
  try {
    const manifest = parseManifest(await readWhole(store, 'manifest.json', MAX_MANIFEST));
    if (typeof manifest === 'string') return undefined;
    const identity = manifest.identity as Readonly<Record<string, unknown>>;
    const key = identity['accessKeyId'];
    return identity['functionName'] === functionName && typeof key === 'string' && KEY_ID.test(key) ? key : undefined;
  } catch (cause) {
    if (isAmberError(cause)) return undefined; // one capture that cannot be read is no reason to pass over the others
    throw cause;
  }
}
