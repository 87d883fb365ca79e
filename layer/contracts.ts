/** What a layer is made of: the vocabulary of the registry in layers.ts. Interfaces only. */

/** One file of a layer, as it will lie below /opt. */
export interface LayerFile {
  /** Below /opt, with `/` and without a leading one: `extensions/amber`. */
  readonly path: string;
  readonly bytes: Uint8Array;
  /** Started as a program: mode 0755 instead of 0644. */
  readonly executable?: boolean;
  /**
   * Read at every cold start, before any capture: `hook` stands between the runtime and the function, `library` is what
   * it wraps the handler with. Counts against the ceilings of these names.
   */
  readonly idle?: 'hook' | 'library';
  /** Packages of others that are part of it. */
  readonly components?: readonly Component[];
}

/** A package of others, for the licences and the bill of materials. */
export interface Component {
  readonly name: string;
  readonly version: string;
  /** An SPDX expression. */
  readonly license: string;
  /** As npm gives it: `sha512-` and Base64. */
  readonly integrity: string | undefined;
}

/** Files that belong together; a part may stand in several layers. */
export interface LayerPart {
  readonly name: string;
  /** One line for the print of the build. */
  readonly what: string;
  readonly files: () => Promise<readonly LayerFile[]>;
}

/** Bytes that the build does not let a layer exceed. */
export interface Ceilings {
  readonly zipped: number;
  readonly unpacked: number;
  /** Of all files marked `hook` together. */
  readonly hook?: number;
  /** Of all files marked `library` together. */
  readonly library?: number;
}

/** One zip. */
export interface Layer {
  /** The zip is `lambda-amber-<name>.zip`. */
  readonly name: string;
  /** One line: whom it is for. */
  readonly what: string;
  /** For `aws lambda publish-layer-version --compatible-architectures`. */
  readonly architectures: readonly ('x86_64' | 'arm64')[];
  /** For `--compatible-runtimes`. */
  readonly runtimes: readonly string[];
  readonly parts: readonly LayerPart[];
  readonly ceilings: Ceilings;
}

/** What the build says of one layer. */
export interface BuiltLayer {
  readonly name: string;
  readonly file: string;
  /** The bill of materials beside it. */
  readonly materials: string;
  readonly zipped: number;
  readonly unpacked: number;
  /** Bytes read at every cold start, by what they are. */
  readonly hook: number;
  readonly library: number;
  readonly files: number;
  readonly sha256: string;
  /** As Lambda shows it in `CodeSha256` of the layer version: Base64. */
  readonly codeSha256: string;
  readonly architectures: readonly string[];
  readonly runtimes: readonly string[];
  /** Ceilings that it exceeds and files that two parts bring; empty = good. */
  readonly problems: readonly string[];
}
