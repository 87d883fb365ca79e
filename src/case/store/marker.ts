/** Why a capture has no commit marker to go by, in words. */
import type { OpenCapture } from './open.ts';

/** One file was named of which manifest.json has no digest: it was renamed, or it is what age files held. */
export function isUnnamed({ manifest, parts }: Pick<OpenCapture, 'manifest' | 'parts'>): boolean {
  return manifest !== undefined && parts.length > 0 && parts.every(({ committed }) => committed === undefined);
}

export function markerText({ manifestProblem }: Pick<OpenCapture, 'manifestProblem'>): string {
  return manifestProblem === undefined ? 'there is no manifest.json' : 'manifest.json is not usable';
}
