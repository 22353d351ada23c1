import { isIP } from 'node:net';
import { InvalidInputError } from '../base/errors.js';

/** Where one request goes. */
export interface Target {
  /** Without credentials and without fragment. */
  readonly url: URL;
  /** The host as a resolver or a socket takes it: IPv6 without brackets. */
  readonly host: string;
  readonly port: number;
  /** Value of the `authorization` header for the credentials that the URL had. */
  readonly authorization: string | undefined;
  /** For messages: neither credentials nor query, which may hold a signature. */
  readonly shown: string;
  /** The target whose answer has redirected to this one, as messages show it. */
  readonly from: string | undefined;
}

/** Characters; what servers commonly take in a request line. */
const MAX_URL = 8192;
/** Characters of a URL that a message shows. */
const MAX_SHOWN = 200;

/**
 * Reads an absolute URL, or a `Location` relative to `base`. The WHATWG parser gives every numeric
 * spelling of an IPv4 host (decimal, octal, hexadecimal, short) the one form that is checked.
 * @throws {InvalidInputError} `URL_INVALID`; the text is not shown, since it may hold a password
 * @throws {InvalidInputError} `SCHEME_REFUSED` for all but http and https
 */
export function parseTarget(text: string, base?: Target): Target {
  const url = parse(text, base?.url.href);
  if (url === undefined) throw invalidUrl(text, base);
  if (url.protocol !== 'http:' && url.protocol !== 'https:') throw refusedScheme(url, base);
  const authorization = basicAuthorization(url);
  url.username = '';
  url.password = '';
  url.hash = '';
  const host = url.hostname.startsWith('[') ? url.hostname.slice(1, -1) : url.hostname;
  return { url, host, port: portOf(url), authorization, shown: show(url), from: base?.shown };
}

/** The host as an address, when it is written as one; `undefined` when it is a name. */
export function literalAddress(target: Target): string | undefined {
  return isIP(target.host) === 0 ? undefined : target.host;
}

/** A target in a message: what it is, and what has led to it. */
export function describeTarget({ shown, from }: Target): string {
  return `"${shown}"${redirectedFrom(from)}`;
}

/** ` (redirected from "…")`, or nothing where no redirect has led there. */
export function redirectedFrom(from: string | undefined): string {
  return from === undefined ? '' : ` (redirected from "${from}")`;
}

function parse(text: string, base: string | undefined): URL | undefined {
  return text.length <= MAX_URL && URL.canParse(text, base) ? new URL(text, base) : undefined;
}

function portOf({ port, protocol }: URL): number {
  if (port !== '') return Number(port);
  return protocol === 'https:' ? 443 : 80;
}

function show(url: URL): string {
  const text = `${url.origin}${url.pathname}${url.search === '' ? '' : '?…'}`;
  return text.length <= MAX_SHOWN ? text : `${text.slice(0, MAX_SHOWN - 1)}…`;
}

/** RFC 7617, with UTF-8. */
function basicAuthorization({ username, password }: URL): string | undefined {
  if (username === '' && password === '') return undefined;
  const pair = `${decode(username)}:${decode(password)}`;
  return `Basic ${Buffer.from(pair, 'utf8').toString('base64')}`;
}

/** A `%` that starts no escape stands for itself, as in browsers. */
function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function invalidUrl(text: string, base: Target | undefined): InvalidInputError {
  return new InvalidInputError({
    code: 'URL_INVALID',
    message:
      text.length > MAX_URL
        ? `The URL${redirectedFrom(base?.shown)} has ${text.length} characters; at most ${MAX_URL} are taken`
        : `The URL${redirectedFrom(base?.shown)} is not a valid absolute URL`,
    hint: 'Give a URL such as "https://example.org/image.qcow2"',
  });
}

function refusedScheme(url: URL, base: Target | undefined): InvalidInputError {
  return new InvalidInputError({
    code: 'SCHEME_REFUSED',
    message: `The scheme "${url.protocol.slice(0, MAX_SHOWN)}" of the URL${redirectedFrom(base?.shown)} is refused`,
    hint: 'Give a URL that starts with https:// or http://',
  });
}
