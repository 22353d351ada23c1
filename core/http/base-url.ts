import type { HttpContext } from './context.js';

/** URL under which this client reaches the server, without a trailing slash. */
export function baseUrl(
  ctx: Pick<HttpContext, 'protocol' | 'host'>,
  publicEndpoint: string | undefined,
): string {
  return publicEndpoint ?? `${ctx.protocol}://${ctx.host}`;
}
