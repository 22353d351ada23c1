import { getEventListeners } from 'node:events';
import type { RequestListener } from 'node:http';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import {
  LOOPBACK,
  HANGING,
  options,
  lookups,
  failureOf,
  facts,
  textOf,
  closed,
  redirecting,
} from '../../test/support/fetching.js';
import { listenHttp, listenTcp } from '../../test/support/listener.js';
import { createGuardedFetch } from './guarded-fetch.js';

describe('createGuardedFetch', () => {
  it('answers with status, headers, URL and body', async () => {
    await using listener = await listenHttp((_, response) => {
      response.writeHead(200, { 'X-Twice': ['a', 'b'], ETag: '"7"' }).end('bytes');
    }, LOOPBACK);
    const url = `http://127.0.0.1:${listener.port}/image?x=1`;
    const response = await createGuardedFetch().open(`${url}#part`, options());
    expect(response).toMatchObject({
      status: 200,
      headers: { 'x-twice': 'a, b', etag: '"7"' },
      url,
    });
    expect(await textOf(response.body)).toBe('bytes');
  });

  it('hands statuses of errors to the caller, with their body', async () => {
    await using listener = await listenHttp((_, response) => {
      response.writeHead(404).end('no such image');
    }, LOOPBACK);
    const url = `http://127.0.0.1:${listener.port}/`;
    const response = await createGuardedFetch().open(url, options());
    expect([response.status, await textOf(response.body)]).toEqual([404, 'no such image']);
  });

  it('asks with HEAD and with the headers of the caller', async () => {
    const seen: unknown[] = [];
    await using listener = await listenHttp((request, response) => {
      seen.push([request.method, request.headers.range, request.headers['accept-encoding']]);
      response.writeHead(200, { 'content-length': 1e9 }).end();
    }, LOOPBACK);
    const response = await createGuardedFetch().open(
      `http://127.0.0.1:${listener.port}/`,
      options({ method: 'HEAD', headers: { Range: 'bytes=5-' } }),
    );
    expect(response.headers['content-length']).toBe('1000000000');
    expect(await textOf(response.body)).toBe('');
    expect(seen).toEqual([['HEAD', 'bytes=5-', 'identity']]);
  });

  it('sends the credentials of a URL and shows them nowhere', async () => {
    const seen: unknown[] = [];
    await using listener = await listenHttp((request, response) => {
      seen.push(request.headers.authorization);
      response.end();
    }, LOOPBACK);
    const url = `http://us%40er:hun%3Ater2@127.0.0.1:${listener.port}/?sig=hunter3`;
    const fetch = createGuardedFetch();
    const response = await fetch.open(url, options());
    response.body.destroy();
    expect(seen).toEqual([`Basic ${Buffer.from('us@er:hun:ter2').toString('base64')}`]);
    expect(response.url).toBe(`http://127.0.0.1:${listener.port}/?sig=hunter3`);
    const failures = [
      await failureOf(fetch.open(url, options({ allow: [] }))),
      await failureOf(fetch.open(url.replace('127.0.0.1', '127.0.0.1:x'), options())),
      await failureOf(fetch.open(url.replace('http:', 'ftp:'), options())),
      await failureOf(fetch.open(url.replace(/:\d+\//, ':1/'), options())),
    ];
    expect(failures.map(({ code }) => code)).toEqual([
      'ADDRESS_REFUSED',
      'URL_INVALID',
      'SCHEME_REFUSED',
      'SOURCE_UNREACHABLE',
    ]);
    expect(JSON.stringify(failures)).not.toMatch(/hun|us%40er/);
  });

  it('asks for the open ports of public addresses, and for every port of opened networks', async () => {
    await using listener = await listenHttp((_, response) => response.end('here'), LOOPBACK);
    const { lookup, asked } = lookups(['93.184.215.14']);
    const fetch = createGuardedFetch({ lookup });
    const only = options({ ports: [80, 443] });
    for (const url of ['http://93.184.215.14:22/', 'https://[2606:4700::1111]:6379/']) {
      const failure = await failureOf(fetch.open(url, only));
      expect(failure).toEqual(facts('invalid_input', 'PORT_REFUSED'));
      expect(() => {
        fetch.check(url, only);
      }).toThrow(facts('invalid_input', 'PORT_REFUSED'));
    }
    const failure = await failureOf(fetch.open('http://images.test:8080/', only));
    expect(failure.hint).toContain('ports: [80, 443, 8080]');
    expect(asked).toEqual(['images.test']);
    const response = await fetch.open(`http://127.0.0.1:${listener.port}/`, only);
    expect(await textOf(response.body)).toBe('here');
  });

  it.each([
    'file:///etc/passwd',
    'ftp://example.org/',
    'data:,x',
    'gopher://127.0.0.1/',
    'unix:/x',
  ])('refuses the scheme of %s', async (url) => {
    const fetch = createGuardedFetch();
    expect(await failureOf(fetch.open(url, options()))).toEqual(
      facts('invalid_input', 'SCHEME_REFUSED'),
    );
    expect(() => {
      fetch.check(url, { allow: [] });
    }).toThrow(facts('invalid_input', 'SCHEME_REFUSED'));
  });

  it.each([
    '',
    'image.qcow2',
    '//example.org/',
    'http://',
    'http://[',
    `http://a/${'x'.repeat(9000)}`,
  ])('refuses "%s", which is no URL', async (url) => {
    const failure = await failureOf(createGuardedFetch().open(url, options()));
    expect(failure).toEqual(facts('invalid_input', 'URL_INVALID'));
  });

  it('prints the config line that opens the refused networks', async () => {
    const { lookup } = lookups(['10.20.3.4', '10.20.3.5', '::1']);
    const fetch = createGuardedFetch({ lookup });
    const failure = await failureOf(fetch.open('http://db.internal/', options({ allow: [] })));
    expect(failure).toMatchObject({
      message: 'The address 10.20.3.4 of the host "db.internal" is not public: private',
      details: { addresses: ['10.20.3.4', '10.20.3.5', '::1'] },
    });
    const line = /allow: .*$/.exec(failure.hint ?? '')?.[0] ?? '';
    expect(parse(line)).toEqual({ allow: ['10.20.3.0/24', '::1/128'] });
  });
});

describe('the end of a request', () => {
  const endless: RequestListener = (_, response) => {
    response.writeHead(200).write('first bytes');
  };

  it('comes with the body: destroying it frees the connection', async () => {
    await using listener = await listenHttp(endless, LOOPBACK);
    const { body } = await createGuardedFetch().open(
      `http://127.0.0.1:${listener.port}/`,
      options(),
    );
    body.destroy();
    await closed(body);
    expect(body.errored).toBeNull();
    await listener.idle();
  });

  it('leaves nothing behind on the signal, which may outlive many requests', async () => {
    await using listener = await listenHttp(redirecting(['/1', '/end']), LOOPBACK);
    const { signal } = new AbortController();
    const fetch = createGuardedFetch();
    const origin = `http://127.0.0.1:${listener.port}`;
    for (const path of ['/0', '/end']) {
      const { body } = await fetch.open(`${origin}${path}`, options({ signal }));
      await textOf(body);
      await failureOf(fetch.open(`${origin}${path}`, options({ signal, allow: [] })));
    }
    await fetch.stop();
    expect(getEventListeners(signal, 'abort')).toEqual([]);
  });

  it('comes with the last byte, although nobody reads it', async () => {
    await using listener = await listenHttp((_, response) => response.end('all'), LOOPBACK);
    const { body } = await createGuardedFetch().open(
      `http://127.0.0.1:${listener.port}/`,
      options(),
    );
    await listener.idle();
    expect(await textOf(body)).toBe('all');
  });

  it('comes with the signal and its reason at any time', async () => {
    await using mute = await listenTcp(() => undefined);
    await using listener = await listenHttp(endless, LOOPBACK);
    const reason = new Error('enough');
    const aborted = async (start: (signal: AbortSignal) => Promise<unknown>): Promise<void> => {
      const controller = new AbortController();
      const outcome = start(controller.signal).then(
        () => 'done',
        (error: unknown) => error,
      );
      setImmediate(() => {
        controller.abort(reason);
      });
      expect(await outcome).toBe(reason);
    };
    const fetch = createGuardedFetch();
    await aborted((signal) =>
      createGuardedFetch({ lookup: HANGING }).open('http://a.test/', options({ signal })),
    );
    await aborted((signal) => fetch.open(`https://127.0.0.1:${mute.port}/`, options({ signal })));
    await aborted((signal) => fetch.open(`http://127.0.0.1:${mute.port}/`, options({ signal })));
    await aborted(async (signal) => {
      const url = `http://127.0.0.1:${listener.port}/`;
      // Opened first, so that the signal meets the body.
      const controller = new AbortController();
      const { body } = await fetch.open(url, options({ signal: controller.signal }));
      signal.addEventListener('abort', () => {
        controller.abort(signal.reason);
      });
      if (signal.aborted) controller.abort(signal.reason);
      await textOf(body);
    });
    const already = AbortSignal.abort(reason);
    await expect(
      fetch.open(`http://127.0.0.1:${listener.port}/`, options({ signal: already })),
    ).rejects.toBe(reason);
    await Promise.all([mute.idle(), listener.idle()]);
  });

  it('comes with stop(), for what is open and for what comes later', async () => {
    await using mute = await listenTcp(() => undefined);
    await using listener = await listenHttp(endless, LOOPBACK);
    const fetch = createGuardedFetch();
    const url = `http://127.0.0.1:${listener.port}/`;
    const { body } = await fetch.open(url, options());
    const pending = failureOf(fetch.open(`http://127.0.0.1:${mute.port}/`, options()));
    await fetch.stop();
    expect(body.errored).toEqual(facts('cancelled', 'SHUTTING_DOWN'));
    expect(await pending).toEqual(facts('cancelled', 'SHUTTING_DOWN'));
    expect(await failureOf(fetch.open(url, options()))).toEqual(
      facts('cancelled', 'SHUTTING_DOWN'),
    );
    await fetch.stop();
    await Promise.all([mute.idle(), listener.idle()]);
  });
});
