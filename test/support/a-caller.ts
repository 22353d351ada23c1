import { identityOf } from '../../core/auth/caller.js';
import type { Caller } from '../../core/auth/caller.js';

/** A member of project `p`. */
export function aCaller(overrides: Partial<Caller> = {}): Caller {
  return {
    ...identityOf({ userId: 'u', projectId: 'p', roles: ['member'] }),
    isAdmin: false,
    requestId: 'req-test',
    ...overrides,
  };
}

export const anAdmin: Caller = aCaller({ projectId: 'ops', roles: ['admin'], isAdmin: true });
