/** Options as they were typed. */

/** Values by option name, as they were typed. */
export type Values = Readonly<Record<string, string | boolean | undefined>>;
