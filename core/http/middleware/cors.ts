import type { Middleware } from 'koa';
import type { HttpState } from '../context.js';

const METHODS = 'GET, PUT, POST, DELETE, PATCH';
/** What scripts may send beside the headers that every page may. */
const REQUEST_HEADERS = [
  'Content-Type',
  'Idempotency-Key',
  'If-Range',
  'Last-Event-ID',
  'OpenStack-API-Version',
  'Range',
  'Tus-Resumable',
  'Upload-Length',
  'Upload-Metadata',
  'Upload-Offset',
  'X-Auth-Token',
  'X-HTTP-Method-Override',
  'X-Image-Meta-Store',
  'X-OpenStack-Image-Size',
  'X-OpenStack-Request-ID',
].join(', ');
/** What scripts may read beside the headers that they always may. */
const ANSWER_HEADERS = [
  'Accept-Patch',
  'Content-MD5',
  'Content-Range',
  'Location',
  'OpenStack-Image-Import-Methods',
  'OpenStack-Image-Store-Ids',
  'Retry-After',
  'Tus-Extension',
  'Tus-Max-Size',
  'Tus-Resumable',
  'Tus-Version',
  'Upload-Expires',
  'Upload-Length',
  'Upload-Metadata',
  'Upload-Offset',
  'X-OpenStack-Request-ID',
].join(', ');
/** Seconds that a browser remembers what it was told. */
const MAX_AGE = '3600';

/**
 * Tells browsers which pages of other sites may call the API (Fetch, 3.2). A token goes in a header
 * that the page itself sets: cookies and other credentials of the browser are never asked for.
 * @param origins such as `https://horizon.example`; `*` for every site; none switches it off
 */
export function cors(origins: readonly string[]): Middleware<HttpState> {
  const everybody = origins.includes('*');
  return async (ctx, next) => {
    const origin = ctx.get('Origin');
    if (origins.length === 0 || origin === '') {
      await next();
      return;
    }
    ctx.vary('Origin');
    if (!everybody && !origins.includes(origin)) {
      await next();
      return;
    }
    ctx.set('Access-Control-Allow-Origin', everybody ? '*' : origin);
    if (ctx.method === 'OPTIONS' && ctx.get('Access-Control-Request-Method') !== '') {
      ctx.set('Access-Control-Allow-Methods', METHODS);
      ctx.set('Access-Control-Allow-Headers', REQUEST_HEADERS);
      ctx.set('Access-Control-Max-Age', MAX_AGE);
      ctx.status = 200;
      ctx.body = null;
      return;
    }
    ctx.set('Access-Control-Expose-Headers', ANSWER_HEADERS);
    await next();
  };
}
