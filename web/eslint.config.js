import js from '@eslint/js'
import pluginVue from 'eslint-plugin-vue'
import tseslint from 'typescript-eslint'

/** A package may import only what stands below it: protocol ← transport ← widget, sdk ← protocol. */
const fence = (files, forbidden, message) => ({
  files,
  rules: { 'no-restricted-imports': ['error', { patterns: [{ group: forbidden, message }] }] },
})

const ours = ['@fiido-kefu/*', '**/transport/**', '**/widget/**', '**/sdk/**', '**/workbench/**']
const vue = ['vue', 'vue-*', 'pinia', '@vue/*']

export default tseslint.config(
  { ignores: ['**/dist/**', '**/node_modules/**', 'protocol/generated/**'] },
  js.configs.recommended,
  ...tseslint.configs.recommended,
  ...pluginVue.configs['flat/recommended'],
  {
    files: ['**/*.vue'],
    languageOptions: { parserOptions: { parser: tseslint.parser } },
    rules: {
      'vue/block-order': ['error', { order: ['script', 'template', 'style'] }],
      'vue/component-api-style': ['error', ['script-setup']],
      'vue/no-v-html': 'error',
      'vue/max-attributes-per-line': 'off',
      'vue/singleline-html-element-content-newline': 'off',
      'vue/html-self-closing': 'off',
      'vue/multi-word-component-names': 'off',
      'max-lines': ['error', 250],
    },
  },
  {
    files: ['**/*.ts'],
    rules: { 'max-lines': ['error', 400] },
  },
  {
    rules: {
      'no-undef': 'off',
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/no-explicit-any': 'error',
      '@typescript-eslint/no-unused-vars': [
        'error',
        { ignoreRestSiblings: true, varsIgnorePattern: '^_', argsIgnorePattern: '^_', destructuredArrayIgnorePattern: '^_' },
      ],
      'no-restricted-properties': [
        'error',
        { property: 'innerHTML', message: 'Text is never parsed as HTML.' },
        { property: 'outerHTML', message: 'Text is never parsed as HTML.' },
      ],
    },
  },
  fence(['protocol/src/**'], [...ours, ...vue], 'protocol stands on nothing.'),
  fence(['transport/src/**'], [...vue, '**/widget/**', '**/sdk/**'], 'transport stands on protocol only.'),
  fence(['chatlog/src/**'], ['@fiido-kefu/*', 'vue-*', 'pinia', '**/widget/**', '**/workbench/**'], 'chatlog stands on Vue only.'),
  fence(['workbench/src/**'], ['**/widget/**', '**/sdk/src/**', '@fiido-kefu/widget'], 'widget and workbench do not know each other.'),
  fence(['sdk/src/**'], [...vue, '@fiido-kefu/transport', '**/widget/**'], 'sdk stands on protocol only.'),
  fence(['widget/src/**'], ['**/workbench/**', '**/sdk/src/**'], 'widget and workbench do not know each other.'),
)
