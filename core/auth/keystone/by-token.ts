import type { IncomingHttpHeaders } from 'node:http';
import { ForbiddenError } from '../../base/errors.js';
import type { TokenFacts } from '../../client/keystone/token-facts.js';
import type { Authenticator } from '../authenticator.js';
import type { Identity } from '../caller.js';
import type { TokenJudge } from './token-judge.js';

/** Longer ones are no tokens; Fernet's and JWS's have a few hundred characters. */
const MAX_TOKEN = 4096;
/** The role of services that may speak for users whose token has run out meanwhile. */
const SERVICE_ROLE = 'service';

/**
 * Believes what Keystone says of `X-Auth-Token`, and of the `X-Service-Token` of a service that passes
 * on a user's request. Such a service may use the user's token for as long as Keystone allows after its
 * end, so that its own long work can come to one.
 * @param publicUrl where clients find Keystone
 */
export function authenticateByToken(
  judge: Pick<TokenJudge, 'judge'>,
  publicUrl: string,
): Authenticator {
  return {
    challenge: `Keystone uri="${publicUrl}"`,

    admit: () => undefined,

    async authenticate({ headers }) {
      const token = tokenIn(headers, 'x-auth-token');
      if (token === undefined) throw unauthenticated('The request has no token');
      const service = tokenIn(headers, 'x-service-token');
      const serviceRoles = service === undefined ? [] : await rolesOfService(judge, service);
      const facts = await judge.judge(token, serviceRoles.includes(SERVICE_ROLE));
      if (facts === undefined) throw unauthenticated('The token is not valid');
      return identity(facts, serviceRoles);
    },
  };
}

async function rolesOfService(
  judge: Pick<TokenJudge, 'judge'>,
  token: string,
): Promise<readonly string[]> {
  const facts = await judge.judge(token, false);
  if (facts === undefined) throw unauthenticated('The service token is not valid');
  return facts.roles;
}

function identity(facts: TokenFacts, serviceRoles: readonly string[]): Identity {
  const { userId, userDomainId, projectId, projectDomainId, domainId, systemScope, roles } = facts;
  return {
    userId,
    userDomainId,
    projectId,
    projectDomainId,
    domainId,
    systemScope,
    roles,
    serviceRoles,
  };
}

/** What cannot be a token is not sent anywhere. */
function tokenIn(headers: IncomingHttpHeaders, name: string): string | undefined {
  const value = headers[name];
  const token = (Array.isArray(value) ? value.join(',') : value)?.trim() ?? '';
  if (token === '') return undefined;
  if (token.length <= MAX_TOKEN && /^[\x21-\x7e]+$/.test(token)) return token;
  throw unauthenticated('The token is not valid');
}

function unauthenticated(message: string): ForbiddenError {
  return new ForbiddenError({
    code: 'UNAUTHENTICATED',
    message,
    hint: 'Send "X-Auth-Token" with a token of the identity service that has not expired',
  });
}
