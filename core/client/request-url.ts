import { InvalidInputError } from '../base/errors.js';

/** A URL taken apart, so that its credentials are never printed. */
export interface RequestUrl {
  /** Without credentials and fragment. */
  readonly url: URL;
  /** Value of an `authorization` header. */
  readonly authorization: string | undefined;
}

/** @throws {InvalidInputError} `URL_INVALID` · `SCHEME_REFUSED` */
export function parseUrl(text: string, base?: URL): RequestUrl {
  const parsed = URL.canParse(text, base?.href) ? new URL(text, base) : undefined;
  if (parsed === undefined) {
    throw new InvalidInputError({
      code: 'URL_INVALID',
      message: 'The address of the source is not a valid URL',
      hint: 'Give a URL like "https://example.org/image.qcow2"',
    });
  }
  if (parsed.protocol !== 'http:' && parsed.protocol !== 'https:') {
    throw new InvalidInputError({
      code: 'SCHEME_REFUSED',
      message: `The scheme "${parsed.protocol.slice(0, -1)}" is not allowed`,
      hint: 'Use a URL that begins with "http://" or "https://", also behind redirects',
    });
  }
  const authorization = credentials(parsed);
  parsed.username = '';
  parsed.password = '';
  parsed.hash = '';
  return { url: parsed, authorization };
}

function credentials({ username, password }: URL): string | undefined {
  if (username === '' && password === '') return undefined;
  const pair = `${decoded(username)}:${decoded(password)}`;
  return `Basic ${Buffer.from(pair, 'utf8').toString('base64')}`;
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    // A percent sign that begins no escape stands for itself.
    return text;
  }
}
