declare module 'amber:packed' {
  /** The engine: Brotli, then Base64, in pieces. A function, so that the text is no constant of the module that loads it. */
  export function packed(): readonly string[];
}

/** CommonJS in clear and in pieces: a text costs next to nothing until it is compiled. */
declare module 'amber:texts' {
  export function hostText(): readonly string[];
  export function recorderText(): readonly string[];
  export function checksText(): readonly string[];
}

declare module 'amber:due' {
  /** A module of `layer/engine.ts` by its name there, from where this build of the library has it. */
  export function due(name: string): Promise<unknown>;
  /** What stands in stacks for the texts that this file compiles. */
  export function home(): string;
}
