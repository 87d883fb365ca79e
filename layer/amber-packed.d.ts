declare module 'amber:packed' {
  /** The engine: Brotli, then Base64, in pieces. A function, so that the text is no constant of the module that loads it. */
  export function packed(): readonly string[];
}

declare module 'amber:host' {
  /** The host as CommonJS, in clear and in pieces: a text costs next to nothing until it is compiled. */
  export function hostText(): readonly string[];
}
