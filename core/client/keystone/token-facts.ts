import { z } from 'zod';
import { failing } from './keystone-http.js';

/** What Keystone says of a token. */
export interface TokenFacts {
  readonly userId: string;
  readonly userDomainId: string | null;
  readonly projectId: string | null;
  readonly projectDomainId: string | null;
  readonly domainId: string | null;
  readonly systemScope: 'all' | null;
  /** Lower case. */
  readonly roles: readonly string[];
  readonly expiresAt: Date;
}

const Id = z.object({ id: z.string() });
const Owned = z.object({ id: z.string(), domain: Id.nullish() });

const TokenBody = z.object({
  token: z.object({
    user: Owned,
    project: Owned.nullish(),
    domain: Id.nullish(),
    system: z.object({ all: z.boolean().optional() }).nullish(),
    roles: z.array(z.object({ name: z.string() })).default([]),
    expires_at: z.iso.datetime({ offset: true }).transform((text) => new Date(text)),
  }),
});

/** @throws {TransientError} `KEYSTONE_FAILS` for what no Keystone answers */
export function tokenFacts(body: unknown): TokenFacts {
  const parsed = TokenBody.safeParse(body);
  if (!parsed.success) throw failing('its answer describes no token', parsed.error);
  const { user, project, domain, system, roles, expires_at: expiresAt } = parsed.data.token;
  return {
    userId: user.id,
    userDomainId: user.domain?.id ?? null,
    projectId: project?.id ?? null,
    projectDomainId: project?.domain?.id ?? null,
    domainId: domain?.id ?? null,
    systemScope: system?.all === true ? 'all' : null,
    roles: roles.map(({ name }) => name.toLowerCase()),
    expiresAt,
  };
}

const Expiry = z.object({ token: TokenBody.shape.token.pick({ expires_at: true }) });

/** When a token of this server's own ends. @throws as {@link tokenFacts} */
export function tokenExpiry(body: unknown): Date {
  const parsed = Expiry.safeParse(body);
  if (!parsed.success) throw failing('its answer describes no token', parsed.error);
  return parsed.data.token.expires_at;
}
