/**
 * What the two members of a pair are called where one names a thing and the other holds it: `{Key, Value}` and its kin.
 */

const LABEL =
  /^(?:(?:parameter|option|header|field|attribute|variable|env|tag|setting|property|config|output)?_?(?:key|name|label)|variable|field|header|k|id|parameter)$/iu;
const CONTENT =
  /^(?:(?:parameter|option|string|header|field|plain|resolved|default|secret|tag|setting|output|config|current|attribute|property)?_?value|v|val|content|text|string|data)$/iu;

/** `Key`, `ParameterKey`, `Name`, `optionName`, `k`. */
export const isLabel = (name: string): boolean => name.length < 32 && LABEL.test(name);

/** `Value`, `ParameterValue`, `StringValue`, `v`. */
export const isContent = (name: string): boolean => name.length < 32 && CONTENT.test(name);
