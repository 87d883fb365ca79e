/** Whether a place that --collection names holds a collection: what is none says nothing of what was deleted. */
import { filesOf } from '../tar/collected-rows.ts';
import { findCaptures } from '../store/list.ts';
import type { Place } from '../store/locate.ts';
import { openCapture, type OpenCapture } from '../store/open.ts';
import { isCollection } from './log.ts';

/** What a collection holds that was unpacked, in whole or in part. */
const UNPACKED = /(?:^|\/)(?:capture\.json|cloudtrail\/[^/]+\.jsonl)$/u;

/** Why there is none, in words; undefined where there is one. @throws AmberError CASE_*. */
export async function noCollection({ store, only }: Place): Promise<string | undefined> {
  let captures = 0;
  for await (const capture of only === undefined ? below(store) : one(openCapture(store, only))) {
    // A collection that was cut has no manifest.json that could say what it is.
    if (capture.manifest === undefined || isCollection(capture)) return undefined;
    captures += 1;
  }
  if (captures > 0)
    return 'it is no collection but a capture of a sandbox: give the folder that `amber collect --trail` made';
  const isUnpacked = !store.location.startsWith('s3:') && (await filesOf(store.location, UNPACKED)).length > 0;
  return isUnpacked
    ? undefined
    : 'it is no collection, and there is none below it: give the folder that `amber collect --trail` made';
}

async function* below(store: Place['store']): AsyncGenerator<OpenCapture> {
  for await (const { folder } of findCaptures(store))
    yield await openCapture(folder === '' ? store : store.enter(folder));
}

async function* one(capture: Promise<OpenCapture>): AsyncGenerator<OpenCapture> {
  yield await capture;
}
