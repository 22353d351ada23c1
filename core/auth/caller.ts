/** Who is calling, as the configured authentication has established it. */
export interface Caller {
  readonly userId: string | null;
  readonly projectId: string | null;
  readonly roles: readonly string[];
  readonly isAdmin: boolean;
  /** `req-…`, as answered to the client and kept with what it started. */
  readonly requestId: string;
}
