import { describe, expect, it } from 'vitest';
import {
  LOOPBACK,
  HANGING,
  options,
  lookups,
  failureOf,
  facts,
  textOf,
} from '../../test/support/fetching.js';
import { listenHttp, listenHttps, listenTcp } from '../../test/support/listener.js';
import { TLS_CERTIFICATE } from '../../test/support/tls-certificate.js';
import { createGuardedFetch } from './guarded-fetch.js';
import type { HostLookup } from './resolve.js';

describe('the connection', () => {
  it('goes to the address that was checked, whatever the name resolves to next', async () => {
    await using first = await listenHttp((_, response) => response.end('first'), LOOPBACK);
    await using second = await listenHttp((_, response) => response.end('second'), {
      host: '127.0.0.2',
      port: first.port,
    });
    const { lookup, asked } = lookups(['127.0.0.1'], ['127.0.0.2']);
    const fetch = createGuardedFetch({ lookup });
    const url = `http://rebinding.test:${first.port}/`;
    const response = await fetch.open(url, options({ allow: ['127.0.0.1/32'] }));
    expect(await textOf(response.body)).toBe('first');
    expect(asked).toEqual(['rebinding.test']);

    const failure = await failureOf(fetch.open(url, options({ allow: ['127.0.0.1/32'] })));
    expect(failure).toEqual(facts('invalid_input', 'ADDRESS_REFUSED'));
    expect(second.connections).toBe(0);
  });

  it('is not made when one address among several is refused', async () => {
    await using listener = await listenHttp((_, response) => response.end(), LOOPBACK);
    const { lookup } = lookups(['127.0.0.1', '10.0.0.1']);
    const opening = createGuardedFetch({ lookup }).open(
      `http://a.test:${listener.port}/`,
      options(),
    );
    expect(await failureOf(opening)).toEqual(facts('invalid_input', 'ADDRESS_REFUSED'));
    expect(listener.connections).toBe(0);
  });

  it('tries the next address when one does not answer', async () => {
    await using listener = await listenHttp((_, response) => response.end('here'), LOOPBACK);
    const { lookup } = lookups(['127.0.0.3', '127.0.0.1']);
    const url = `http://two.test:${listener.port}/`;
    const response = await createGuardedFetch({ lookup }).open(url, options());
    expect(await textOf(response.body)).toBe('here');
  });

  it('asks TLS for the name of the URL and refuses a certificate that nobody vouches for', async () => {
    const names: string[] = [];
    await using listener = await listenHttps((name) => names.push(name));
    const { lookup } = lookups(['127.0.0.1']);
    const url = `https://images.test:${listener.port}/`;
    const failure = await failureOf(createGuardedFetch({ lookup }).open(url, options()));
    expect(failure).toEqual(facts('permanent', 'SOURCE_UNTRUSTED'));
    expect(names).toEqual(['images.test']);
  });

  it('trusts a CA of the config beside the public ones, and still wants the right name', async () => {
    await using listener = await listenHttps(
      () => undefined,
      (_, response) => response.end('trusted'),
    );
    const { lookup } = lookups(['127.0.0.1']);
    const fetch = createGuardedFetch({ lookup });
    const trusting = options({ ca: TLS_CERTIFICATE.cert });
    for (const host of ['images.test', 'images.test.']) {
      const { body } = await fetch.open(`https://${host}:${listener.port}/`, trusting);
      expect(await textOf(body)).toBe('trusted');
    }
    for (const host of ['other.test', '127.0.0.1']) {
      const failure = await failureOf(fetch.open(`https://${host}:${listener.port}/`, trusting));
      expect(failure).toEqual(facts('permanent', 'SOURCE_UNTRUSTED'));
    }
  });

  it('is unreachable when the name has no address, is unknown, or is not answered in time', async () => {
    const open = (lookup: HostLookup): Promise<unknown> =>
      createGuardedFetch({ lookup }).open('http://a.test/', options({ connectTimeoutMs: 20 }));
    const unknown: HostLookup = () =>
      Promise.reject(
        Object.assign(new Error('getaddrinfo ENOTFOUND a.test'), { code: 'ENOTFOUND' }),
      );
    for (const lookup of [lookups([]).lookup, unknown, HANGING]) {
      expect(await failureOf(open(lookup))).toEqual(facts('transient', 'SOURCE_UNREACHABLE'));
    }
  });

  it('is unreachable when it is refused, reset, or not made in time', async () => {
    await using closed = await listenTcp((socket) => socket.resetAndDestroy());
    await using mute = await listenTcp(() => undefined);
    const gone = await listenTcp(() => undefined);
    await gone[Symbol.asyncDispose]();
    const fetch = createGuardedFetch();
    const urls = [
      `http://127.0.0.1:${gone.port}/`,
      `http://127.0.0.1:${closed.port}/`,
      // The TLS handshake belongs to the connection.
      `https://127.0.0.1:${mute.port}/`,
    ];
    for (const url of urls) {
      expect(await failureOf(fetch.open(url, options({ connectTimeoutMs: 200 })))).toEqual(
        facts('transient', 'SOURCE_UNREACHABLE'),
      );
    }
    await mute.idle();
  });
});
