/** One account. Its token is kept in memory alone, and renewed before it ends. */
export interface ServiceSession {
  /**
   * @throws {TransientError} `KEYSTONE_UNREACHABLE` · `KEYSTONE_FAILS`; {PermanentError} `KEYSTONE_REFUSED`
   */
  token(): Promise<string>;
  /** Says that a service has refused a token: the next one is a new one. */
  refused(token: string): void;
  /**
   * URL of a service in the catalogue, without a slash at its end.
   * @param types names that the service has had, the newest first
   * @throws {PermanentError} `SERVICE_UNLISTED` where the catalogue has none of them; as {@link token}
   */
  endpoint(wanted: WantedEndpoint): Promise<string>;
}

export interface WantedEndpoint {
  readonly types: readonly string[];
  readonly interface: 'public' | 'internal' | 'admin';
  /** @default whichever comes first */
  readonly region?: string;
}
