/** The names that objects of a capture have. Everything else beside them is not ours. */

/**
 * Number, digits, suffix. Numbers have four digits, or more without a zero in front. The eight digits are of a segment
 * whose own name somebody had taken before.
 */
export const SEGMENT: RegExp = /^capture-(\d{4}|[1-9]\d{4,8})(-[0-9a-f]{8})?(\.tar(?:\.zst|\.gz)?(?:\.age)?)$/u;
/** All segments in one file, as a local directory has them. */
export const JOINED: RegExp = /^capture\.tar(?:\.zst|\.gz)?$/u;
const JOINED_SEALED = /^capture\.tar(?:\.zst|\.gz)?\.age$/u;

/** Objects beside segments. */
export const BESIDE: readonly string[] = ['manifest.json', 'SHA256SUMS', 'parked.json'];

const SUFFIX = { zstd: '.zst', gzip: '.gz', none: '' } as const;

/** Name of the file in which a directory joins the segments. */
export function joinedName(compression: keyof typeof SUFFIX): string {
  return `capture.tar${SUFFIX[compression]}`;
}

/** A segment, or the joined tarball. */
export function isPart(name: string): boolean {
  return SEGMENT.test(name) || JOINED.test(name) || JOINED_SEALED.test(name);
}

/** Whether a folder with these objects holds a capture. */
export function isCapture(objects: readonly { readonly name: string }[]): boolean {
  return objects.some(({ name }) => isPart(name) || name === 'manifest.json');
}

export function isOwn(name: string): boolean {
  return isPart(name) || BESIDE.includes(name);
}
