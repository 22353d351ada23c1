import eslint from '@eslint/js';
import tseslint from 'typescript-eslint';

/** Frameworks are kept in one place each, so that replacing one stays possible. */
const confined = [
  { name: 'typeorm', message: 'TypeORM is used in core/database alone' },
  { name: 'koa', message: 'Koa is used in core/http alone' },
  { name: '@koa/router', message: 'Koa is used in core/http alone' },
];

function except(...names) {
  return { paths: confined.filter(({ name }) => !names.includes(name)) };
}

export default tseslint.config(
  { ignores: ['dist/', 'node_modules/', 'coverage/', 'data/', 'test/**/node_modules/'] },
  eslint.configs.recommended,
  ...tseslint.configs.strictTypeChecked,
  ...tseslint.configs.stylisticTypeChecked,
  {
    languageOptions: {
      parserOptions: {
        projectService: { allowDefaultProject: ['eslint.config.js'] },
        tsconfigRootDir: import.meta.dirname,
      },
    },
    rules: {
      '@typescript-eslint/switch-exhaustiveness-check': 'error',
      '@typescript-eslint/explicit-module-boundary-types': 'error',
      // JSON-shaped types must be aliases: an interface is not assignable to an index signature.
      '@typescript-eslint/consistent-type-definitions': 'off',
      '@typescript-eslint/no-extraneous-class': ['error', { allowWithDecorator: true }],
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true }],
      '@typescript-eslint/no-restricted-imports': ['error', except()],
    },
  },
  {
    files: ['core/**/*.ts'],
    ignores: ['core/database/**', 'core/http/**'],
    rules: {
      '@typescript-eslint/no-restricted-imports': [
        'error',
        {
          ...except(),
          patterns: [{ group: ['**/plugins/**'], message: 'Core never names a plugin' }],
        },
      ],
    },
  },
  {
    files: ['core/database/**/*.ts'],
    rules: { '@typescript-eslint/no-restricted-imports': ['error', except('typeorm')] },
  },
  {
    files: ['core/http/**/*.ts'],
    rules: { '@typescript-eslint/no-restricted-imports': ['error', except('koa', '@koa/router')] },
  },
  {
    files: ['test/**/*.ts'],
    rules: { '@typescript-eslint/explicit-module-boundary-types': 'off' },
  },
  {
    files: ['**/*.js'],
    ...tseslint.configs.disableTypeChecked,
  },
  {
    // Types of JavaScript stand in its JSDoc comments, where the compiler checks them.
    files: ['**/*.js'],
    rules: { '@typescript-eslint/explicit-module-boundary-types': 'off' },
  },
);
