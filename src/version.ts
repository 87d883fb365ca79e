/** Kept equal to package.json by a test: reading that file at run time would fail in a bundle. */
export const VERSION = '0.1.0';

/**
 * Versions of what is written and read again, possibly by another version: `schema` of manifest.json, of a log line, of
 * the first row of findings. A number grows when a member is added or means something else. Without one it is the form
 * before there were numbers, which is read as well. What cannot be read by the old rules gets another format.
 */
export const SCHEMAS = { manifest: 1, log: 1, findings: 1 } as const;

/** One line where `schema` is of a version that this one does not know; undefined where it is known or absent. */
export function newerSchema(kind: keyof typeof SCHEMAS, schema: unknown): string | undefined {
  const known = SCHEMAS[kind];
  if (typeof schema !== 'number' || !(schema > known)) return undefined;
  return `schema ${schema} is newer than ${known}, which this version knows: read the rest with a newer amber`;
}
