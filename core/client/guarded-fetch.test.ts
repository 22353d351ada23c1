import type { LookupAddress } from 'node:dns';
import type { Readable } from 'node:stream';
import { setTimeout as wait } from 'node:timers/promises';
import type { IncomingHttpHeaders, RequestListener } from 'node:http';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { listenHttp, listenHttps, listenTcp } from '../../test/support/listener.js';
import { describeFailure, type ErrorClass, type Failure } from '../base/errors.js';
import type { FetchOptions } from '../plugin/contract/services.js';
import { createGuardedFetch } from './guarded-fetch.js';
import type { HostLookup } from './resolve.js';

const LOOPBACK = { host: '127.0.0.1' };
const HANGING: HostLookup = () => new Promise(() => undefined);

function options(overrides: Partial<FetchOptions> = {}): FetchOptions {
  return {
    allow: ['127.0.0.0/8'],
    connectTimeoutMs: 5000,
    idleTimeoutMs: 5000,
    maxRedirects: 3,
    signal: new AbortController().signal,
    ...overrides,
  };
}

/** Answers the lookups of a name one after the other; the last answer stays. */
function lookups(...answers: string[][]): {
  readonly lookup: HostLookup;
  readonly asked: string[];
} {
  const asked: string[] = [];
  return {
    asked,
    lookup: (name) => {
      const answer = answers[Math.min(asked.length, answers.length - 1)] ?? [];
      asked.push(name);
      return Promise.resolve(
        answer.map((address): LookupAddress => ({
          address,
          family: address.includes(':') ? 6 : 4,
        })),
      );
    },
  };
}

async function failureOf(promise: Promise<unknown>): Promise<Failure> {
  return describeFailure(
    await promise.then(
      () => undefined,
      (error: unknown) => error,
    ),
  );
}

function facts(errorClass: ErrorClass, code: string): unknown {
  return expect.objectContaining({ class: errorClass, code });
}

async function textOf(body: AsyncIterable<unknown>): Promise<string> {
  const parts: Buffer[] = [];
  for await (const part of body) if (part instanceof Uint8Array) parts.push(Buffer.from(part));
  return Buffer.concat(parts).toString();
}

/** Waits without caring about errors, which `once` of Node would throw. */
function closed(body: Readable): Promise<void> {
  return new Promise((resolve) => body.once('close', resolve));
}

/** Redirects `/n` to what `places` holds under n, and answers everything else with its headers. */
function redirecting(places: readonly string[], status = 302): RequestListener {
  return (request, response) => {
    const place = places[Number.parseInt(request.url?.slice(1) ?? '')];
    if (place === undefined) response.end(JSON.stringify(request.headers));
    else response.writeHead(status, { location: place }).end('moved');
  };
}

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
});

describe('a source that misbehaves', () => {
  it.each([
    ['sends nothing', ''],
    ['stops within the headers', 'HTTP/1.1 200 OK\r\nX-A: '],
  ])('stalls when it %s', async (_, bytes) => {
    await using listener = await listenTcp((socket) => socket.write(bytes));
    const url = `http://127.0.0.1:${listener.port}/`;
    const failure = await failureOf(createGuardedFetch().open(url, options({ idleTimeoutMs: 50 })));
    expect(failure).toEqual(facts('transient', 'SOURCE_STALLED'));
    await listener.idle();
  });

  it('stalls while the body is read', async () => {
    await using listener = await listenTcp((socket) => {
      socket.write('HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf');
    });
    const url = `http://127.0.0.1:${listener.port}/`;
    const { body } = await createGuardedFetch().open(url, options({ idleTimeoutMs: 50 }));
    expect(await failureOf(textOf(body))).toEqual(facts('transient', 'SOURCE_STALLED'));
    await listener.idle();
  });

  it('does not stall when it is the reader who is slow, and is held back meanwhile', async () => {
    const size = 32 * 1024 * 1024;
    let written = 0;
    await using listener = await listenTcp((socket) => {
      socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${size}\r\n\r\n`);
      const piece = Buffer.alloc(64 * 1024);
      const write = (): void => {
        while (written < size) {
          written += piece.length;
          if (!socket.write(piece)) return;
        }
      };
      socket.on('drain', write);
      write();
    });
    const url = `http://127.0.0.1:${listener.port}/`;
    const { body } = await createGuardedFetch().open(url, options({ idleTimeoutMs: 100 }));
    body.read(0);
    // The passing of time is what is tested.
    await wait(500);
    expect(body.readableLength).toBeLessThan(1024 * 1024);
    expect(written).toBeLessThan(size);
    let read = 0;
    for await (const part of body) read += (part as Buffer).length;
    expect(read).toBe(size);
  });

  it.each([
    ['cuts the body off', 'Content-Length: 9\r\n\r\nhalf'],
    ['cuts off between two chunks', 'Transfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n'],
    ['breaks the chunks', 'Transfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\nzz\r\n'],
  ])('breaks when it %s', async (_, rest) => {
    await using listener = await listenTcp((socket) => socket.end(`HTTP/1.1 200 OK\r\n${rest}`));
    const { body } = await createGuardedFetch().open(
      `http://127.0.0.1:${listener.port}/`,
      options(),
    );
    // Nobody listens yet when it breaks.
    await closed(body);
    expect(body.errored).toEqual(facts('transient', 'SOURCE_BROKEN'));
  });

  it.each([
    ['endless headers', `HTTP/1.1 200 OK\r\n${'X-Filler: 0123456789abcdef\r\n'.repeat(4096)}\r\n`],
    ['one huge header', `HTTP/1.1 200 OK\r\nX-Filler: ${'x'.repeat(100_000)}\r\n\r\n`],
    ['no end of informational answers', 'HTTP/1.1 103 Early Hints\r\n\r\n'.repeat(100)],
    ['another protocol', 'SSH-2.0-OpenSSH_9.2p1\r\n'],
    ['two lengths', 'HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab'],
  ])('is not read when it answers with %s', async (_, bytes) => {
    await using listener = await listenTcp((socket) => socket.write(bytes));
    const url = `http://127.0.0.1:${listener.port}/`;
    const failure = await failureOf(createGuardedFetch().open(url, options()));
    expect(failure).toEqual(facts('permanent', 'SOURCE_ANSWER_INVALID'));
    await listener.idle();
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
