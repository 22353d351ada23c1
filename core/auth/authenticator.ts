import type { IncomingHttpHeaders } from 'node:http';
import type { Identity } from './caller.js';

/** What authentication may look at. */
export interface Credentials {
  /** Address of the peer of the connection; forwarded addresses are not trusted. */
  readonly address: string;
  /** Lower-case names. */
  readonly headers: IncomingHttpHeaders;
}

/** Establishes who is calling. */
export interface Authenticator {
  /** `WWW-Authenticate` of an answer that asks for an identity. */
  readonly challenge: string;
  /**
   * Lets a connection in that needs no identity, for health and metrics.
   * @throws {ForbiddenError} `REMOTE_REFUSED` when the peer may not speak to this server at all.
   */
  admit(credentials: Credentials): void;
  /**
   * @throws {ForbiddenError} `UNAUTHENTICATED` when the request does not say who it is, or from
   *   where it may not say so; `REMOTE_REFUSED` as {@link admit}.
   * @throws {TransientError} where the one who knows cannot be asked
   */
  authenticate(credentials: Credentials): Identity | Promise<Identity>;
}
export const Authenticator = Symbol('Authenticator');
