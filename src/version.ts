/** Kept equal to package.json by a test: reading that file at run time would fail in a bundle. */
export const VERSION = '0.1.0';
