import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import { describe, expect, it } from 'vitest';
import {
  LOOPBACK,
  options,
  lookups,
  failureOf,
  facts,
  textOf,
  redirecting,
} from '../../test/support/fetching.js';
import { listenHttp } from '../../test/support/listener.js';
import { createGuardedFetch } from './guarded-fetch.js';

describe('redirects', () => {
  it.each([301, 302, 303, 307, 308])(
    'of status %i are followed, relative ones too',
    async (status) => {
      await using listener = await listenHttp(redirecting(['/1', '2', '/end'], status), LOOPBACK);
      const origin = `http://127.0.0.1:${listener.port}`;
      const response = await createGuardedFetch().open(`${origin}/0`, options());
      await textOf(response.body);
      expect([response.status, response.url]).toEqual([200, `${origin}/end`]);
      await listener.idle();
    },
  );

  it('are followed as often as the caller says', async () => {
    await using listener = await listenHttp(redirecting(['/1', '/2', '/end']), LOOPBACK);
    const url = `http://127.0.0.1:${listener.port}/0`;
    const open = (maxRedirects: number): Promise<unknown> =>
      createGuardedFetch().open(url, options({ maxRedirects }));
    for (const count of [0, 2]) {
      expect(await failureOf(open(count))).toEqual(facts('invalid_input', 'TOO_MANY_REDIRECTS'));
    }
    expect(await open(3)).toMatchObject({ status: 200 });
  });

  it.each(['file:///etc/passwd', 'ftp://127.0.0.1/', 'gopher://127.0.0.1:70/_x'])(
    'to %s are refused',
    async (place) => {
      await using listener = await listenHttp(redirecting([place]), LOOPBACK);
      const opening = createGuardedFetch().open(`http://127.0.0.1:${listener.port}/0`, options());
      const failure = await failureOf(opening);
      expect(failure).toEqual(facts('invalid_input', 'SCHEME_REFUSED'));
      expect(failure.message).toContain(`redirected from "http://127.0.0.1:${listener.port}/0"`);
    },
  );

  it('are checked at every hop, names resolved anew', async () => {
    await using hidden = await listenHttp((_, response) => response.end(), { host: '127.0.0.2' });
    await using listener = await listenHttp(
      redirecting(['/1', `http://twice.test:${hidden.port}/`]),
      LOOPBACK,
    );
    const { lookup, asked } = lookups(['127.0.0.1'], ['127.0.0.1'], ['127.0.0.2']);
    const opening = createGuardedFetch({ lookup }).open(
      `http://twice.test:${listener.port}/0`,
      options({ allow: ['127.0.0.1/32'] }),
    );
    expect(await failureOf(opening)).toEqual(facts('invalid_input', 'ADDRESS_REFUSED'));
    expect([asked.length, hidden.connections]).toEqual([3, 0]);
  });

  it('take the caller’s secrets along on the same origin only, and never get them back', async () => {
    const secrets = {
      Authorization: 'Bearer x',
      Cookie: 'a=b',
      'X-Api-Key': 'k',
      Range: 'bytes=1-',
    };
    const places: string[] = [];
    await using first = await listenHttp((request, response) => {
      redirecting(places)(request, response);
    }, LOOPBACK);
    await using second = await listenHttp((request, response) => {
      const back = request.url === '/back' ? [`http://127.0.0.1:${first.port}/end`] : [];
      redirecting(back)(Object.assign(request, { url: '/0' }), response);
    }, LOOPBACK);
    places.push(
      '/end',
      `http://127.0.0.1:${second.port}/end`,
      `http://127.0.0.1:${second.port}/back`,
    );
    const sent = async (path: string): Promise<IncomingHttpHeaders> => {
      const url = `http://127.0.0.1:${first.port}${path}`;
      const { body } = await createGuardedFetch().open(url, options({ headers: secrets }));
      return JSON.parse(await textOf(body)) as IncomingHttpHeaders;
    };
    const all = { authorization: 'Bearer x', cookie: 'a=b', 'x-api-key': 'k', range: 'bytes=1-' };
    expect(await sent('/0')).toMatchObject(all);
    for (const path of ['/1', '/2']) {
      const headers = await sent(path);
      expect(headers.range).toBe('bytes=1-');
      expect(Object.keys(headers)).not.toEqual(
        expect.arrayContaining([expect.stringMatching(/authorization|cookie|x-api-key/)]),
      );
    }
  });

  it('are each sent the credentials of their own URL alone', async () => {
    const seen: unknown[] = [];
    const record = (request: IncomingMessage): void => {
      seen.push([request.headers.host, request.headers.authorization, request.headers['x-key']]);
    };
    const places: string[] = [];
    await using first = await listenHttp((request, response) => {
      record(request);
      redirecting(places)(request, response);
    }, LOOPBACK);
    await using second = await listenHttp((request, response) => {
      record(request);
      response.end();
    }, LOOPBACK);
    places.push('/1', `http://127.0.0.1:${second.port}/end`);
    const { body } = await createGuardedFetch().open(
      `http://127.0.0.1:${first.port}/0`,
      options({
        headers: { 'X-Key': 'of the caller' },
        credentials: ({ port, pathname }) => {
          if (port !== String(first.port)) return {};
          return pathname === '/0' ? { Authorization: 'Bearer one' } : { 'X-Key': 'two' };
        },
      }),
    );
    await textOf(body);
    expect(seen).toEqual([
      [`127.0.0.1:${first.port}`, 'Bearer one', 'of the caller'],
      [`127.0.0.1:${first.port}`, undefined, 'two'],
      [`127.0.0.1:${second.port}`, undefined, undefined],
    ]);
  });
});
