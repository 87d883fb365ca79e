/** Why a capture has no commit marker to go by, in words. */
import type { OpenCapture } from './open.ts';

export function markerText({ manifestProblem }: Pick<OpenCapture, 'manifestProblem'>): string {
  return manifestProblem === undefined ? 'there is no manifest.json' : 'manifest.json is not usable';
}
