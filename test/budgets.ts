/**
 * What may not be exceeded: sizes of what is published, what an idle function loads, and how long CI takes. The build
 * of the layers and the tests read it here.
 */
import type { Ceilings } from '../layer/contracts.ts';

const KIB = 1024;
const MIB = 1024 * KIB;

/** Bytes of a layer: its zip, its files, and what each cold start reads. The build writes nothing that has more. */
export const LAYER_CEILINGS: Readonly<Record<'node' | 'any', Ceilings>> = {
  node: { zipped: 2 * MIB, unpacked: 10 * MIB, hook: 60 * KIB, library: 96 * KIB },
  any: { zipped: 45 * MIB, unpacked: 120 * MIB, hook: 48 * KIB },
};

/** Bytes of a bundled function that does nothing but wrap its handler: the idle part and the packed engine. */
export const BUNDLE_BYTES = 335_000;
/** The same, written by webpack without minifying. */
export const BUNDLE_BYTES_DEVELOPMENT = 450_000;
/** The same, where a bundler takes what Node would load instead of the packed engine. */
export const BUNDLE_BYTES_UNPACKED = 5_000_000;

/** Bytes of the tarball that npm downloads; it had 2.25 MB when this was set, with the black box and its texts. */
export const TARBALL_BYTES = 2_400_000;
/** Bytes of the command, one file; it had 1.92 MB when this was set. */
export const COMMAND_BYTES = 2_100_000;

/** Files that a function with the layer loads while it idles, in this order. */
export const IDLE_FILES: readonly string[] = ['function.mjs', 'handler.mjs', 'index.js', 'idle.mjs'];
/** Modules of Node that a wrapped function loads while it idles. */
export const IDLE_MODULES_OF_NODE: readonly string[] = [];
/** The same, where triggers watch its invocations: the host is compiled when the handler is wrapped. */
export const WATCHING_MODULES_OF_NODE: readonly string[] = [
  'NativeModule vm',
  'NativeModule internal/modules/esm/initialize_import_meta',
];

/** Minutes that `.ci/run` may take on 2 cores; it says at the end what it took. A slower machine is no failure. */
export const CI_MINUTES = 30;
