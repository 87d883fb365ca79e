import tsdoc from 'eslint-plugin-tsdoc';
import tseslint from 'typescript-eslint';

/** A parameter that is true or false says nothing at the call. */
const BOOLEAN_PARAMETERS = [
  '.params[typeAnnotation.typeAnnotation.type="TSBooleanKeyword"]',
  '.params[parameter.typeAnnotation.typeAnnotation.type="TSBooleanKeyword"]',
  '.params[left.typeAnnotation.typeAnnotation.type="TSBooleanKeyword"]',
  'AssignmentPattern.params[right.raw=/^(true|false)$/]',
];
/** Rows of words and of sources of regular expressions: a row that is broken cannot be compared with the next one. */
const TABLES_OF_PATTERNS = ['shape-table', 'names', 'fields', 'separators', 'values'].map(
  (name) => `src/secrets/${name}.ts`,
);
const bannedNames = ['utils', 'helpers', 'manager', 'common'];

export default tseslint.config(
  {
    ignores: [
      'dist/**',
      '**/node_modules/**',
      '**/venv/**',
      '.amber/**',
      'layer/**/*.mjs',
      'examples/**/*.js',
      'examples/**/*.mjs',
      'examples/**/*.cjs',
      'test/**/*.cjs',
      'test/**/*.mjs',
      'eslint.config.js',
    ],
  },
  ...tseslint.configs.strictTypeChecked,
  ...tseslint.configs.stylisticTypeChecked,
  {
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    plugins: { tsdoc },
    rules: {
      'max-lines': ['error', { max: 300, skipBlankLines: false, skipComments: false }],
      'max-lines-per-function': ['error', { max: 50, skipBlankLines: true, skipComments: true }],
      'max-params': ['error', 5],
      'tsdoc/syntax': 'error',
      'no-restricted-imports': [
        'error',
        {
          patterns: bannedNames.map((name) => ({ group: [`**/${name}*`], message: 'Name the file by what it does.' })),
        },
      ],
      'no-restricted-syntax': [
        'error',
        { selector: 'NewExpression[callee.name="Error"]', message: 'Use AmberError with a code.' },
        {
          selector:
            'CallExpression[callee.object.name="AbortSignal"][callee.property.name="timeout"]' +
            ':not([arguments.0.name=/^[A-Z_]+$/])',
          message: 'Node throws for a fraction: write signalAfter(ms) of src/signal-after.ts.',
        },
        ...BOOLEAN_PARAMETERS.map((selector) => ({
          selector,
          message: 'Name it where it is given: take { name }: { readonly name: boolean }, or write two functions.',
        })),
      ],
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true, allowBoolean: true }],
      '@typescript-eslint/no-confusing-void-expression': ['error', { ignoreArrowShorthand: true }],
      '@typescript-eslint/consistent-type-imports': 'error',
      // isolatedDeclarations asks for the types of exports, trivial or not.
      '@typescript-eslint/no-inferrable-types': 'off',
    },
  },
  {
    // The formatter breaks no text: this does. A regular expression stays whole, or it would be compiled at init.
    files: ['src/**/*.ts'],
    ignores: TABLES_OF_PATTERNS,
    rules: { 'max-len': ['error', { code: 120, ignoreRegExpLiterals: true, ignoreUrls: true }] },
  },
  {
    // Tests throw what handlers throw, and describe() bodies are lists of cases, not functions.
    files: ['test/**/*.ts', 'examples/**/*.ts'],
    rules: {
      'max-lines-per-function': 'off',
      'no-restricted-syntax': [
        'error',
        {
          selector: 'Property[key.name="numRuns"] > Literal',
          message: 'Write times(N) of test/effort.ts: the nightly run draws more.',
        },
        {
          selector: 'CallExpression[callee.object.name="fc"][callee.property.name="assert"][arguments.length<2]',
          message: 'Give it { numRuns: times(N) } of test/effort.ts.',
        },
      ],
      '@typescript-eslint/no-floating-promises': [
        'error',
        {
          allowForKnownSafeCalls: [
            {
              from: 'package',
              name: ['test', 'describe', 'it', 'suite', 'before', 'after', 'beforeEach', 'afterEach'],
              package: 'node:test',
            },
          ],
        },
      ],
      '@typescript-eslint/no-non-null-assertion': 'off',
      '@typescript-eslint/only-throw-error': 'off',
      '@typescript-eslint/prefer-promise-reject-errors': 'off',
    },
  },
);
