const MASK = '[secret]';
const MAX_DEPTH = 6;

/** Names of facts that never reach a log in clear, compared without case, `-` and `_`. */
const SECRET_NAME =
  /pass(word|wd|phrase)|secret|token|authorization|cookie|credential|apikey|accesskey|privatekey/;

/** `scheme://user:password@host` → the same without the user's part. */
const URL_CREDENTIALS = /([a-z][a-z0-9+.-]*:\/\/)[^\s/?#@]+@/gi;
/** Signed URLs (S3, Swift temp URLs, Azure SAS) hold the right to read in their query. */
const SIGNED_QUERY = /([?&](?:x-amz-signature|signature|sig|temp_url_sig|token)=)[^&\s"']+/gi;

/**
 * A copy of a value in which secrets are masked: by the name of the key that holds them, and inside
 * strings where a URL carries credentials. Errors stay errors, with their messages masked.
 */
export function maskSecrets<T>(value: T): T {
  // The copy has the shape of the original but for masked leaves, which are strings.
  return mask(value, 0) as T;
}

function mask(value: unknown, depth: number): unknown {
  if (typeof value === 'string') return maskText(value);
  if (typeof value !== 'object' || value === null) return value;
  if (depth >= MAX_DEPTH) return '[deep]';
  if (value instanceof Error) return describeError(value, depth);
  if (value instanceof Date) return value;
  if (Array.isArray(value)) return value.map((item) => mask(item, depth + 1));
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [
      key,
      isSecretName(key) && item !== undefined && item !== null ? MASK : mask(item, depth + 1),
    ]),
  );
}

function describeError(error: Error, depth: number): unknown {
  const code: unknown = 'code' in error ? error.code : undefined;
  return {
    type: error.name,
    message: maskText(error.message),
    ...(code === undefined ? {} : { code }),
    ...(error.stack === undefined ? {} : { stack: maskText(error.stack) }),
    ...(error.cause === undefined ? {} : { cause: mask(error.cause, depth + 1) }),
  };
}

function isSecretName(name: string): boolean {
  return SECRET_NAME.test(name.toLowerCase().replaceAll(/[-_]/g, ''));
}

function maskText(text: string): string {
  return text.replaceAll(URL_CREDENTIALS, `$1${MASK}@`).replaceAll(SIGNED_QUERY, `$1${MASK}`);
}
