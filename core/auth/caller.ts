/** Who is calling, as the configured authentication has established it. */
export interface Identity {
  readonly userId: string | null;
  readonly userDomainId: string | null;
  /** The project that the caller acts for; `null` where it acts for a domain or for the system. */
  readonly projectId: string | null;
  readonly projectDomainId: string | null;
  /** The domain that the caller acts for. */
  readonly domainId: string | null;
  /** `all`: the caller acts for the whole system. */
  readonly systemScope: 'all' | null;
  /** Lower case. */
  readonly roles: readonly string[];
  /** Roles of the service through which the caller speaks; lower case. */
  readonly serviceRoles: readonly string[];
}

/** An identity in one request. */
export interface Caller extends Identity {
  /** As the policy says: the images of every project are theirs to see and to list. */
  readonly isAdmin: boolean;
  /** `req-…`, as answered to the client and kept with what it started. */
  readonly requestId: string;
}

/** An identity of which only this is known. */
export function identityOf(known: Partial<Identity>): Identity {
  return {
    userId: null,
    userDomainId: null,
    projectId: null,
    projectDomainId: null,
    domainId: null,
    systemScope: null,
    roles: [],
    serviceRoles: [],
    ...known,
  };
}
