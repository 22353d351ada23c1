import { describe, expect, it } from 'vitest';
import { listenHttp } from '../../test/support/listener.js';
import { serveProxy } from '../../test/support/proxy-server.js';
import type { FetchOptions } from '../plugin/contract/services.js';
import { createGuardedFetch } from './guarded-fetch.js';

/**
 * Every way to write this machine, its neighbours and the metadata services of clouds. Names resolve to
 * loopback. `‹port›` is the port of a listener on every address of this machine.
 */
const SPELLINGS: readonly string[] = [
  // IPv4 loopback, dotted, decimal, octal, hexadecimal, short, mixed
  'http://127.0.0.1:‹port›/',
  'http://127.0.0.1.:‹port›/',
  'http://127.0.0.2:‹port›/',
  'http://127.255.255.254:‹port›/',
  'http://127.1:‹port›/',
  'http://127.0.1:‹port›/',
  'http://2130706433:‹port›/',
  'http://2130706433.:‹port›/',
  'http://017700000001:‹port›/',
  'http://0177.0.0.1:‹port›/',
  'http://0177.0.0.01:‹port›/',
  'http://00000177.0.0.1:‹port›/',
  'http://0177.0.0x0.0x1:‹port›/',
  'http://0x7f000001:‹port›/',
  'http://0X7F000001:‹port›/',
  'http://0x7f.1:‹port›/',
  'http://0x7f.0.0.1:‹port›/',
  'http://0x7f.0x0.0x0.0x1:‹port›/',
  'http://127.0x1:‹port›/',
  'http://127.0.0x0001:‹port›/',
  // beyond 32 bits, and parts beyond a byte
  'http://4294967297:‹port›/',
  'http://0x17f000001:‹port›/',
  'http://127.0.0.257:‹port›/',
  'http://127.0.0.1.1:‹port›/',
  // escaped and look-alike digits and dots
  'http://%31%32%37.0.0.1:‹port›/',
  'http://127%2e0%2e0%2e1:‹port›/',
  'http://①②⑦.⓪.⓪.①:‹port›/',
  'http://127。0。0。1:‹port›/',
  'http://\uff11\uff12\uff17\uff0e\uff10\uff0e\uff10\uff0e\uff11:‹port›/',
  'http://127.0.0.1%00:‹port›/',
  'http://127.0.0.1%20:‹port›/',
  // the unspecified address, which a kernel takes for loopback
  'http://0:‹port›/',
  'http://0.0.0.0:‹port›/',
  'http://00:‹port›/',
  'http://0x0:‹port›/',
  'http://0.0:‹port›/',
  'http://0.0.0.1:‹port›/',
  'http://[::]:‹port›/',
  // IPv6 loopback and IPv4 inside IPv6
  'http://[::1]:‹port›/',
  'http://[0:0:0:0:0:0:0:1]:‹port›/',
  'http://[0000:0000:0000:0000:0000:0000:0000:0001]:‹port›/',
  'http://[::ffff:127.0.0.1]:‹port›/',
  'http://[::ffff:7f00:1]:‹port›/',
  'http://[::ffff:7f00:0001]:‹port›/',
  'http://[0:0:0:0:0:ffff:127.0.0.1]:‹port›/',
  'http://[::FFFF:127.0.0.1]:‹port›/',
  'http://[::ffff:0.0.0.0]:‹port›/',
  'http://[::127.0.0.1]:‹port›/',
  'http://[::7f00:1]:‹port›/',
  'http://[::ffff:0:127.0.0.1]:‹port›/',
  'http://[64:ff9b::127.0.0.1]:‹port›/',
  'http://[64:ff9b:1::7f00:1]:‹port›/',
  'http://[2002:7f00:1::]:‹port›/',
  'http://[2001:0:4136:e378:8000:63bf:80ff:fffe]:‹port›/',
  'http://[::1%25lo]:‹port›/',
  'http://[::1%lo]:‹port›/',
  'http://[::ffff:127.0.0.1%25lo]:‹port›/',
  'http://[::ffff:127.1]:‹port›/',
  'http://[::ffff:0x7f.0.0.1]:‹port›/',
  'http://[0:0:0:0:0:0:127.0.0.1]:‹port›/',
  'http://[::1].:‹port›/',
  'http://[fe80::1]:‹port›/',
  'http://[fe80::1%25eth0]:‹port›/',
  // names
  'http://localhost:‹port›/',
  'http://LOCALHOST:‹port›/',
  'http://localhost.:‹port›/',
  'http://ⓛocalhost:‹port›/',
  'http://localhost.localdomain:‹port›/',
  'http://anything.localhost:‹port›/',
  'http://ip6-localhost:‹port›/',
  'http://127.0.0.1.nip.example:‹port›/',
  'http://rebinding.example:‹port›/',
  'http://rebinding.example.:‹port›/',
  // user info that looks like the host, and hosts that look like user info
  'http://example.org@127.0.0.1:‹port›/',
  'http://example.org:80@127.0.0.1:‹port›/',
  'http://127.0.0.1:‹port›@localhost:‹port›/',
  'http://example.org%40@127.0.0.1:‹port›/',
  'http://example.org#@127.0.0.1:‹port›/',
  'http://127.0.0.1:‹port›#@example.org/',
  'http://127.0.0.1:‹port›?@example.org/',
  'http://127.0.0.1:‹port›\\@example.org/',
  'http:\\\\127.0.0.1:‹port›\\',
  'http:/127.0.0.1:‹port›/',
  'http:127.0.0.1:‹port›/',
  'http:///127.0.0.1:‹port›/',
  ' http://127.0.0.1:‹port›/ ',
  'ht\ntp://127.0.\t0.1:‹port›/',
  'HTTP://127.0.0.1:‹port›/',
  'https://127.0.0.1:‹port›/',
  'https://[::1]:‹port›/',
  // metadata services: AWS, GCP, Azure, OpenStack; AWS on IPv6; Alibaba; Oracle; Azure's platform
  'http://169.254.169.254/latest/meta-data/',
  'http://169.254.169.254./',
  'http://2852039166/',
  'http://0xa9fea9fe/',
  'http://0251.0376.0251.0376/',
  'http://0xa9.0xfe.43518/',
  'http://[::ffff:169.254.169.254]/',
  'http://[::ffff:a9fe:a9fe]/',
  'http://[64:ff9b::a9fe:a9fe]/',
  'http://[fd00:ec2::254]/',
  'http://[fe80::a9fe:a9fe]/',
  'http://metadata.google.internal/',
  'http://100.100.100.200/',
  'http://192.0.0.192/',
  'http://168.63.129.16/',
  // neighbours
  'http://10.0.0.1/',
  'http://172.16.0.1/',
  'http://192.168.0.1/',
  'http://3232235521/',
  'http://[fc00::1]/',
  'http://[fd12:3456::1]/',
  'http://255.255.255.255/',
  'http://224.0.0.1/',
  'http://[ff02::1]/',
];

/** Spellings of this machine that a socket would take if they were let pass. */
const REACHING: readonly string[] = [
  'http://127.0.0.1:‹port›/',
  'http://127.1:‹port›/',
  'http://2130706433:‹port›/',
  'http://0177.0.0.1:‹port›/',
  'http://0x7f000001:‹port›/',
  'http://0:‹port›/',
  'http://①②⑦.⓪.⓪.①:‹port›/',
  'http://[::1]:‹port›/',
  'http://[::ffff:127.0.0.1]:‹port›/',
  'http://localhost:‹port›/',
  'http://rebinding.example:‹port›/',
  'http://example.org@127.0.0.1:‹port›/',
  'http:\\\\127.0.0.1:‹port›\\',
];

function options(allow: readonly string[] = []): FetchOptions {
  return {
    allow,
    connectTimeoutMs: 5000,
    idleTimeoutMs: 5000,
    maxRedirects: 3,
    signal: new AbortController().signal,
  };
}

function fetchWithLoopbackNames(): ReturnType<typeof createGuardedFetch> {
  return createGuardedFetch({
    lookup: () => Promise.resolve([{ address: '127.0.0.1', family: 4 }]),
  });
}

const REFUSED: unknown = expect.objectContaining({
  class: 'invalid_input',
  code: expect.stringMatching(/^(ADDRESS_REFUSED|URL_INVALID)$/) as unknown,
});

describe('the guarded fetch reaches nothing that is not public', () => {
  it(`by none of ${SPELLINGS.length} spellings`, async () => {
    await using listener = await listenHttp((_, response) => response.end('reached'));
    const fetch = fetchWithLoopbackNames();
    const port = String(listener.port);

    const outcomes = await Promise.all(
      SPELLINGS.map((spelling) =>
        fetch.open(spelling.replaceAll('‹port›', port), options()).catch((error: unknown) => error),
      ),
    );

    expect(SPELLINGS.filter((_, index) => !isRefusal(outcomes[index]))).toEqual([]);
    expect(listener.connections).toBe(0);
    expect(new Set(SPELLINGS).size).toBe(SPELLINGS.length);
  });

  it('through no proxy, whoever resolves the names', async () => {
    await using proxy = await serveProxy();
    const fetch = fetchWithLoopbackNames();
    const ways = [false, true].flatMap((resolves) =>
      SPELLINGS.map((spelling) => ({ resolves, url: spelling.replaceAll('‹port›', '9292') })),
    );
    const outcomes = await Promise.all(
      ways.map(({ url, resolves }) =>
        fetch
          .open(url, { ...options(), proxy: { url: proxy.url, resolves } })
          .catch((error: unknown) => error),
      ),
    );
    expect(ways.filter((_, index) => !isRefusal(outcomes[index]))).toEqual([]);
    expect(proxy.asked).toEqual([]);
  });

  it('by no redirect to one of these spellings', async () => {
    await using listener = await listenHttp((_, response) => response.end('reached'));
    const port = String(listener.port);
    await using source = await listenHttp(
      (request, response) => {
        const spelling = SPELLINGS[Number(request.url?.slice(1))] ?? '';
        // Bytes of UTF-8, as servers send them.
        const location = Buffer.from(spelling.replaceAll('‹port›', port)).toString('latin1');
        response.writeHead(302, { location: location.replaceAll(/[\n\t]/g, '') }).end();
      },
      { host: '127.0.0.9' },
    );
    const fetch = fetchWithLoopbackNames();

    const outcomes = await Promise.all(
      SPELLINGS.map((_, index) =>
        fetch
          .open(`http://127.0.0.9:${source.port}/${index}`, options(['127.0.0.9/32']))
          .catch((error: unknown) => error),
      ),
    );

    // Without `//` these two are paths on the host that redirects.
    const relative = ['http:/127.0.0.1:‹port›/', 'http:127.0.0.1:‹port›/'];
    expect(SPELLINGS.filter((_, index) => !isRefusal(outcomes[index]))).toEqual(relative);
    expect(listener.connections).toBe(0);
  });

  it.each(REACHING)('and %s is reached once it is allowed', async (spelling) => {
    await using listener = await listenHttp((_, response) => response.end('reached'));
    const response = await fetchWithLoopbackNames().open(
      spelling.replaceAll('‹port›', String(listener.port)),
      options(['0.0.0.0/0', '::/0']),
    );
    expect(await response.body.toArray()).toEqual([Buffer.from('reached')]);
  });

  it('by the name that the system resolves to this machine', async () => {
    await using listener = await listenHttp((_, response) => response.end('reached'));
    const opening = createGuardedFetch().open(`http://localhost:${listener.port}/`, options());
    await expect(opening).rejects.toEqual(REFUSED);
    expect(listener.connections).toBe(0);
  });

  it('and check() refuses by itself what open() refuses without asking for a name', async () => {
    for (const spelling of SPELLINGS) {
      const url = spelling.replaceAll('‹port›', '9292');
      const names: string[] = [];
      const fetch = createGuardedFetch({
        lookup: (name) => {
          names.push(name);
          return Promise.resolve([{ address: '127.0.0.1', family: 4 }]);
        },
      });
      await expect(fetch.open(url, options())).rejects.toEqual(REFUSED);
      const check = (): void => {
        fetch.check(url, { allow: [] });
      };
      if (names.length === 0) expect(check, url).toThrow(REFUSED);
      else expect(check, url).not.toThrow();
    }
  });
});

function isRefusal(outcome: unknown): boolean {
  return outcome instanceof Error && 'code' in outcome
    ? ['ADDRESS_REFUSED', 'URL_INVALID'].includes(String(outcome.code))
    : false;
}
