import { describe, expect, it } from 'vitest';
import { facts, failureOf, lookups, options, textOf } from '../../test/support/fetching.js';
import { listenHttp, listenHttps, listenTcp } from '../../test/support/listener.js';
import { serveProxy } from '../../test/support/proxy-server.js';
import { TLS_CERTIFICATE } from '../../test/support/tls-certificate.js';
import { Secret } from '../base/secret.js';
import { createGuardedFetch } from './guarded-fetch.js';

/** A public address; the proxy of these tests leads every one to loopback. */
const PUBLIC = '93.184.215.14';

describe('a proxy', () => {
  it('is told the address that was checked, and the request goes through its tunnel', async () => {
    const names: string[] = [];
    await using source = await listenHttps(
      (name) => names.push(name),
      (_, response) => response.end('through'),
    );
    await using proxy = await serveProxy();
    const { lookup } = lookups([PUBLIC]);
    const authorization = new Secret('Basic cHJveHk6aHVudGVyMg==');
    const { body } = await createGuardedFetch({ lookup }).open(
      `https://images.test:${source.port}/`,
      options({ ca: TLS_CERTIFICATE.cert, proxy: { url: proxy.url, authorization } }),
    );
    expect(await textOf(body)).toBe('through');
    expect(names).toEqual(['images.test']);
    expect(proxy.asked).toEqual([
      { authority: `${PUBLIC}:${source.port}`, authorization: 'Basic cHJveHk6aHVudGVyMg==' },
    ]);
    await source.idle();
  });

  it('carries plain http too, and redirects are checked before it is asked', async () => {
    await using source = await listenHttp((_, response) =>
      response.writeHead(302, { location: 'http://169.254.169.254/latest/' }).end(),
    );
    await using proxy = await serveProxy();
    const { lookup } = lookups([PUBLIC]);
    const opening = createGuardedFetch({ lookup }).open(
      `http://images.test:${source.port}/`,
      options({ proxy: { url: proxy.url } }),
    );
    expect(await failureOf(opening)).toEqual(facts('invalid_input', 'ADDRESS_REFUSED'));
    expect(proxy.asked).toHaveLength(1);
  });

  it('is never asked for what is not public, also where it resolves names', async () => {
    await using proxy = await serveProxy();
    const unknown = (): Promise<never> =>
      Promise.reject(Object.assign(new Error('no such name'), { code: 'ENOTFOUND' }));
    for (const resolves of [false, true]) {
      for (const host of ['127.0.0.1', '2130706433', '[::1]', '169.254.169.254', '10.0.0.1']) {
        const opening = createGuardedFetch({ lookup: unknown }).open(
          `http://${host}/`,
          options({ allow: [], proxy: { url: proxy.url, resolves } }),
        );
        expect(await failureOf(opening)).toEqual(facts('invalid_input', 'ADDRESS_REFUSED'));
      }
      const { lookup } = lookups(['10.1.2.3']);
      const opening = createGuardedFetch({ lookup }).open(
        'http://db.example.org/',
        options({ allow: [], proxy: { url: proxy.url, resolves } }),
      );
      expect(await failureOf(opening)).toEqual(facts('invalid_input', 'ADDRESS_REFUSED'));
    }
    for (const host of [
      'localhost',
      'a.localhost',
      'metadata',
      'metadata.google.internal',
      'x.local.',
    ]) {
      const opening = createGuardedFetch({ lookup: unknown }).open(
        `http://${host}/`,
        options({ proxy: { url: proxy.url, resolves: true } }),
      );
      expect(await failureOf(opening), host).toEqual(facts('invalid_input', 'ADDRESS_REFUSED'));
    }
    expect(proxy.asked).toEqual([]);
  });

  it('is told the name that only it can resolve, where the config says so', async () => {
    await using source = await listenHttp((_, response) => response.end('here'));
    await using proxy = await serveProxy();
    const fetch = createGuardedFetch({
      lookup: () => Promise.reject(Object.assign(new Error('unknown'), { code: 'ENOTFOUND' })),
    });
    const url = `http://images.example.org:${source.port}/`;
    const { body } = await fetch.open(url, options({ proxy: { url: proxy.url, resolves: true } }));
    expect(await textOf(body)).toBe('here');
    expect(proxy.asked.map(({ authority }) => authority)).toEqual([
      `images.example.org:${source.port}`,
    ]);
    expect(await failureOf(fetch.open(url, options({ proxy: { url: proxy.url } })))).toEqual(
      facts('transient', 'SOURCE_UNREACHABLE'),
    );
  });

  it('may fail, and the message names it and not its password', async () => {
    const statusOf = new Map([
      ['93.184.215.1:80', 407],
      ['93.184.215.2:80', 403],
      ['93.184.215.3:80', 502],
    ]);
    await using proxy = await serveProxy({ status: (authority) => statusOf.get(authority) });
    await using mute = await listenTcp(() => undefined);
    const gone = await listenTcp(() => undefined);
    await gone[Symbol.asyncDispose]();
    const fail = async (host: string, url: string): Promise<unknown> => {
      const failure = await failureOf(
        createGuardedFetch().open(
          `http://${host}/`,
          options({
            connectTimeoutMs: 300,
            proxy: { url, authorization: new Secret('Basic hunter2') },
          }),
        ),
      );
      expect(JSON.stringify(failure)).not.toContain('hunter2');
      return failure;
    };
    expect(await fail('93.184.215.1', proxy.url)).toEqual(facts('permanent', 'PROXY_REFUSED'));
    expect(await fail('93.184.215.2', proxy.url)).toEqual(facts('permanent', 'PROXY_REFUSED'));
    expect(await fail('93.184.215.3', proxy.url)).toEqual(facts('transient', 'SOURCE_UNREACHABLE'));
    const closed = `http://127.0.0.1:${gone.port}`;
    expect(await fail('93.184.215.4', closed)).toEqual(facts('transient', 'PROXY_UNREACHABLE'));
    const silent = `http://127.0.0.1:${mute.port}`;
    expect(await fail('93.184.215.4', silent)).toEqual(facts('transient', 'SOURCE_UNREACHABLE'));
    await mute.idle();
  });

  it('is asked for the next address when it cannot reach the first', async () => {
    await using source = await listenHttp((_, response) => response.end('second'));
    await using proxy = await serveProxy({
      status: (authority) => (authority.startsWith('93.184.215.1:') ? 503 : undefined),
    });
    const { lookup } = lookups(['93.184.215.1', '93.184.215.2']);
    const { body } = await createGuardedFetch({ lookup }).open(
      `http://two.test:${source.port}/`,
      options({ proxy: { url: proxy.url } }),
    );
    expect(await textOf(body)).toBe('second');
  });
});
