/**
 * The style of this repository, as far as a program can check it: `make check-format`, and `make format` corrects it.
 * The rules are about white space and punctuation alone. Where a line breaks is the author's choice, so that a table
 * of rows stays a table; that is why this is no formatter that prints every file anew.
 */
import stylistic from '@stylistic/eslint-plugin'
import parser from '@typescript-eslint/parser'

const style = {
  'array-bracket-spacing': 'error',
  'arrow-parens': 'error',
  'arrow-spacing': 'error',
  'block-spacing': 'error',
  'brace-style': ['error', '1tbs', { allowSingleLine: true }],
  'comma-dangle': ['error', {
    arrays: 'always-multiline',
    objects: 'always-multiline',
    imports: 'always-multiline',
    exports: 'always-multiline',
    functions: 'only-multiline',
  }],
  'comma-spacing': 'error',
  'comma-style': 'error',
  'computed-property-spacing': 'error',
  'dot-location': ['error', 'property'],
  'eol-last': 'error',
  'function-call-spacing': 'error',
  'generator-star-spacing': ['error', 'after'],
  'indent': ['error', 2, {
    SwitchCase: 1,
    flatTernaryExpressions: true,
    ignoredNodes: ['ConditionalExpression', 'TemplateLiteral *'],
  }],
  'key-spacing': 'error',
  'keyword-spacing': 'error',
  'linebreak-style': 'error',
  // A row of a table may quote a long text.
  'max-len': ['error', {
    code: 120,
    ignoreUrls: true,
    ignoreRegExpLiterals: true,
    ignoreStrings: true,
    ignoreTemplateLiterals: true,
  }],
  'new-parens': 'error',
  'no-floating-decimal': 'error',
  'no-mixed-spaces-and-tabs': 'error',
  'no-multi-spaces': ['error', { ignoreEOLComments: true }],
  'no-multiple-empty-lines': ['error', { max: 1, maxBOF: 0, maxEOF: 0 }],
  'no-tabs': 'error',
  'no-trailing-spaces': 'error',
  'no-whitespace-before-property': 'error',
  'object-curly-spacing': ['error', 'always'],
  'operator-linebreak': ['error', 'after', { overrides: { '?': 'before', ':': 'before', '|': 'before' } }],
  'padded-blocks': ['error', 'never'],
  'quote-props': ['error', 'consistent-as-needed'],
  'quotes': ['error', 'single', { avoidEscape: true, allowTemplateLiterals: 'always' }],
  'rest-spread-spacing': 'error',
  'semi': ['error', 'never', { beforeStatementContinuationChars: 'always' }],
  'semi-spacing': 'error',
  'space-before-blocks': 'error',
  'space-before-function-paren': ['error', { anonymous: 'always', named: 'never', asyncArrow: 'always' }],
  'space-in-parens': 'error',
  'space-infix-ops': 'error',
  'space-unary-ops': 'error',
  'spaced-comment': 'error',
  'switch-colon-spacing': 'error',
  'template-curly-spacing': 'error',
  'template-tag-spacing': 'error',
  'type-annotation-spacing': 'error',
  'type-generic-spacing': 'error',
  'yield-star-spacing': 'error',
}

export default [
  {
    ignores: ['**/node_modules', '**/dist', '**/build', 'compiled', '**/.next', '.tap', '**/.stryker*',
      'test/bench/results', 'test/compat/packed'],
  },
  {
    files: ['**/*.{ts,js,mjs,cjs}'],
    languageOptions: { parser },
    linterOptions: { reportUnusedDisableDirectives: 'off' },
    plugins: { '@stylistic': stylistic },
    rules: Object.fromEntries(Object.entries(style).map(([name, rule]) => [`@stylistic/${name}`, rule])),
  },
]
