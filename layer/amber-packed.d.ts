declare module 'amber:packed' {
  /** The engine: Brotli, then Base64. A function, so that the text is no constant of the module that loads it. */
  export const packed: () => string;
}

declare module 'amber:host' {
  /** The host as CommonJS, in clear: a text costs next to nothing until it is compiled. */
  export const hostText: () => string;
}
