/**
 * What esbuild writes around modules defines members by descriptors that inherit, and walks over inherited names. Where
 * somebody has put a property on Object.prototype, that throws, and Amber would not start: one line of an intruder.
 */
const NAME = '([\\w$]+)';
const EXPORTS = new RegExp(
  `for\\(var ${NAME} in ${NAME}\\)${NAME}\\(${NAME},\\1,\\{get:\\2\\[\\1\\],enumerable:!0\\}\\)`,
  'gu',
);
/** Any definition by a literal, of esbuild or of ours; what stands before the literal has no deeper calls. */
const DEFINITIONS = /(\bdefineProperty\((?:[^(){}]|\([^(){}]*\))*,)\{(?!__proto__:)/gu;
const HELPERS =
  /("__esModule",|"default",|,)\{(?=value:!0\}|value:\w+,enumerable:!0\}|enumerable:!0,configurable:!0,writable:!0,value:)/gu;
const COPIES = new RegExp(`\\{get:\\(\\)=>${NAME}\\[${NAME}\\],enumerable:`, 'gu');

/** The same code, minified by esbuild, with own names and descriptors that inherit nothing. */
export function ownMembers(text: string): string {
  return text
    .replaceAll(EXPORTS, 'for(var $1 of Object.keys($2))$3($4,$1,{__proto__:null,get:$2[$1],enumerable:!0})')
    .replaceAll(DEFINITIONS, '$1{__proto__:null,')
    .replaceAll(HELPERS, '$1{__proto__:null,')
    .replaceAll(COPIES, '{__proto__:null,get:()=>$1[$2],enumerable:');
}
