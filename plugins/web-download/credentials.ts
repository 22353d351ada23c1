import { Secret } from '../../core/api.js';

/** One entry of `credentials` in the config. */
export interface CredentialsEntry {
  readonly url: string;
  readonly username?: string | undefined;
  readonly password?: Secret | undefined;
  readonly bearer?: Secret | undefined;
  readonly headers?: Readonly<Record<string, Secret>> | undefined;
}

/** How many of the ways to give credentials an entry uses; an incomplete one counts as none. */
export function kindsOf({ username, password, bearer, headers }: CredentialsEntry): number {
  if ((username === undefined) !== (password === undefined)) return 0;
  return [username, bearer, headers].filter((kind) => kind !== undefined).length;
}

/** Whether what the entry holds can stand in a header (RFC 9110, section 5.5). */
export function hasValidHeaders(entry: CredentialsEntry): boolean {
  return Object.values(headersOf(entry)).every((value) => /^[\t\x20-\x7e\x80-\xff]*$/.test(value));
}

/**
 * The headers for one URL: those of the entry whose URL is its longest beginning, in whole path segments.
 * Scheme, host and port have to be the same, so that no redirect leads them elsewhere.
 */
export function credentialsFor(
  entries: readonly CredentialsEntry[],
): (url: URL) => Readonly<Record<string, string>> {
  const known = entries
    .map((entry) => ({ beginning: folder(entry.url), headers: headersOf(entry) }))
    .toSorted((a, b) => b.beginning.length - a.beginning.length);
  return ({ origin, pathname }) => {
    const url = `${origin}${pathname}`;
    const entry = known.find(
      ({ beginning }) => url === beginning.slice(0, -1) || url.startsWith(beginning),
    );
    return entry?.headers ?? {};
  };
}

/** Value of a header for basic authentication (RFC 7617, with UTF-8). */
export function basicAuthorization(username: string, password: Secret): string {
  return `Basic ${Buffer.from(`${username}:${password.reveal()}`, 'utf8').toString('base64')}`;
}

function headersOf({
  username,
  password,
  bearer,
  headers = {},
}: CredentialsEntry): Readonly<Record<string, string>> {
  if (username !== undefined && password !== undefined) {
    return { authorization: basicAuthorization(username, password) };
  }
  if (bearer !== undefined) return { authorization: `Bearer ${bearer.reveal()}` };
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, value.reveal()]));
}

/** As the URL parser writes it, with a slash at its end. */
function folder(text: string): string {
  const { origin, pathname } = new URL(text);
  return `${origin}${pathname.endsWith('/') ? pathname : `${pathname}/`}`;
}
