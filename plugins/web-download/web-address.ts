import { InvalidInputError } from '../../core/api.js';

/**
 * The parameters of an import are kept with it and shown, so an address must not hold a password.
 *
 * @throws {InvalidInputError} `URL_CREDENTIALS`
 */
export function assertNoCredentials(uri: string): void {
  if (!URL.canParse(uri)) return;
  const { username, password } = new URL(uri);
  if (username === '' && password === '') return;
  throw new InvalidInputError({
    code: 'URL_CREDENTIALS',
    message: 'The URL holds a user name or password, which would be kept with the import',
    hint: 'Use a URL that needs none, for example a presigned one',
  });
}
