import { once } from 'node:events';
import { createServer } from 'node:http';
import type { RequestListener, Server } from 'node:http';
import net from 'node:net';
import { buffer, text } from 'node:stream/consumers';
import { afterEach, describe, expect, it } from 'vitest';
import type { FetchOptions } from '../plugin/contract/services.js';
import { checkAddress } from './address-guard.js';
import { createGuardedFetch } from './guarded-fetch.js';

const LOOPBACK = ['127.0.0.0/8', '::1/128'];

const fetch = createGuardedFetch();
const servers: (Server | net.Server)[] = [];
afterEach(async () => {
  await fetch.stop();
  for (const server of servers.splice(0)) {
    if ('closeAllConnections' in server) server.closeAllConnections();
    server.close();
  }
});

async function listening(server: Server | net.Server): Promise<string> {
  servers.push(server);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return `127.0.0.1:${(server.address() as net.AddressInfo).port}`;
}

async function aServer(listener: RequestListener): Promise<string> {
  return `http://${await listening(createServer(listener))}`;
}

function theOptions(changes: Partial<FetchOptions> = {}): FetchOptions {
  return {
    allow: LOOPBACK,
    connectTimeoutMs: 5000,
    idleTimeoutMs: 5000,
    maxRedirects: 3,
    signal: new AbortController().signal,
    ...changes,
  };
}

describe('checkAddress', () => {
  it.each([
    ...['0.0.0.0', '10.20.3.4', '100.64.0.1', '127.0.0.1', '127.255.0.9', '169.254.169.254'],
    ...['172.16.0.1', '192.0.0.8', '192.0.2.1', '192.168.1.1', '198.18.0.1', '203.0.113.1'],
    ...['224.0.0.1', '240.0.0.1', '255.255.255.255', '::', '::1', '::127.0.0.1', '::ffff:10.0.0.1'],
    ...['::ffff:7f00:1', '64:ff9b::7f00:1', '64:ff9b:1::a00:1', '2002:7f00:1::', '2001::1'],
    ...['2001:db8::1', 'fc00::1', 'fd12::1', 'fe80::1', 'fe80::1%eth0', 'fec0::1', 'ff02::1'],
    ...['100::1'],
  ])('refuses %s', (address) => {
    expect(() => {
      checkAddress('host', address, []);
    }).toThrow(
      expect.objectContaining({ class: 'invalid_input', code: 'ADDRESS_REFUSED' }) as Error,
    );
  });

  it.each(['8.8.8.8', '1.1.1.1', '::ffff:8.8.8.8', '2606:4700:4700::1111'])(
    'lets %s pass',
    (address) => {
      checkAddress('host', address, []);
    },
  );

  it('opens what the operator lists, and nothing beside it', () => {
    checkAddress('host', '10.20.3.4', ['10.20.0.0/16']);
    checkAddress('host', '::ffff:10.20.3.4', ['10.20.0.0/16']);
    checkAddress('host', 'fd12::1', ['10.20.0.0/16', 'fd12::/16']);
    expect(() => {
      checkAddress('host', '10.21.0.1', ['10.20.0.0/16', 'fd12::/16']);
    }).toThrow(/10\.21\.0\.1/);
  });
});

describe('GuardedFetch.open', () => {
  it('answers with status, headers and body', async () => {
    const url = await aServer((request, response) => {
      response.writeHead(200, {
        'x-seen': `${request.method} ${request.url} ${String(request.headers['x-a'])}`,
      });
      response.end('body');
    });
    const answer = await fetch.open(`${url}/a?b=c#d`, theOptions({ headers: { 'X-A': '1' } }));
    expect(answer.status).toBe(200);
    expect(answer.url).toBe(`${url}/a?b=c`);
    expect(answer.headers['x-seen']).toBe('GET /a?b=c 1');
    expect(await text(answer.body)).toBe('body');
  });

  it('answers with error statuses', async () => {
    const url = await aServer((_request, response) => response.writeHead(503).end('later'));
    const answer = await fetch.open(url, theOptions());
    expect(answer.status).toBe(503);
    expect(await text(answer.body)).toBe('later');
  });

  it('passes on many bytes, whatever their encoding is called', async () => {
    const bytes = Buffer.alloc(5_000_000, 'x');
    const url = await aServer((_request, response) => {
      response.writeHead(200, { 'content-encoding': 'gzip' }).end(bytes);
    });
    const { body } = await fetch.open(url, theOptions());
    expect((await buffer(body)).equals(bytes)).toBe(true);
  });

  it.each([
    ...['127.0.0.1', 'localhost', '2130706433', '0x7f000001', '0177.0.0.1', '127.1', '0'],
    ...['[::1]', '[::ffff:127.0.0.1]', '[::ffff:7f00:1]', '[64:ff9b::7f00:1]'],
  ])('does not reach this machine as %s', async (host) => {
    let requests = 0;
    const url = await aServer((_request, response) => {
      requests += 1;
      response.end();
    });
    const { port } = new URL(url);
    const open = fetch.open(`http://${host}:${port}/`, theOptions({ allow: ['10.0.0.0/8'] }));
    await expect(open).rejects.toMatchObject({ class: 'invalid_input', code: 'ADDRESS_REFUSED' });
    expect(requests).toBe(0);
  });

  it('says which line of the configuration would open an address', async () => {
    await expect(fetch.open('http://10.20.3.4/', theOptions())).rejects.toMatchObject({
      hint: expect.stringContaining('allow: [10.20.3.4/32]') as string,
    });
    await expect(fetch.open('http://[fd12::1]/', theOptions())).rejects.toMatchObject({
      hint: expect.stringContaining('allow: ["fd12::1/128"]') as string,
    });
  });

  it.each(['ftp://127.0.0.1/', 'file:///etc/passwd', 'gopher://127.0.0.1/'])(
    'refuses %s',
    async (url) => {
      await expect(fetch.open(url, theOptions())).rejects.toMatchObject({ code: 'SCHEME_REFUSED' });
    },
  );

  it('follows redirects, and checks each', async () => {
    const end = await aServer((_request, response) => response.end('end'));
    const url = await aServer((request, response) => {
      const next: Record<string, string> = {
        '/relative': '/absolute',
        '/absolute': `${end}/x`,
        '/private': 'http://10.20.3.4/',
        '/file': 'file:///etc/passwd',
        '/loop': '/loop',
      };
      response.writeHead(302, { location: next[request.url ?? ''] }).end('moved');
    });
    const answer = await fetch.open(`${url}/relative`, theOptions());
    expect(answer.url).toBe(`${end}/x`);
    expect(await text(answer.body)).toBe('end');
    for (const [path, code] of [
      ['/private', 'ADDRESS_REFUSED'],
      ['/file', 'SCHEME_REFUSED'],
      ['/loop', 'TOO_MANY_REDIRECTS'],
    ]) {
      await expect(fetch.open(`${url}${path}`, theOptions())).rejects.toMatchObject({ code });
    }
  });

  it('keeps credentials to their host and out of every message', async () => {
    const seen: (string | undefined)[] = [];
    const other = await aServer((request, response) => {
      seen.push(
        request.headers.authorization,
        request.headers['x-auth-token'] as string | undefined,
      );
      response.end();
    });
    const url = await aServer((request, response) => {
      seen.push(request.headers.authorization);
      response.writeHead(307, { location: other }).end();
    });
    const withPassword = url.replace('http://', 'http://user:p%40ss@');
    const answer = await fetch.open(withPassword, theOptions({ headers: { 'x-auth-token': 't' } }));
    expect(seen).toEqual([`Basic ${btoa('user:p@ss')}`, undefined, undefined]);
    expect(answer.url).not.toContain('p%40ss');
    answer.body.resume();
    const failure: unknown = await fetch
      .open('http://user:secret@10.1.1.1/secret', theOptions())
      .catch((error: unknown) => error);
    expect(JSON.stringify([failure, (failure as Error).message])).not.toContain('secret');
  });

  it('says that nobody listens or that there is no such host', async () => {
    const server = net.createServer();
    const address = await listening(server);
    server.close();
    await once(server, 'close');
    for (const host of [address, 'no-such-host.invalid']) {
      await expect(fetch.open(`http://${host}/`, theOptions())).rejects.toMatchObject({
        class: 'transient',
        code: 'SOURCE_UNREACHABLE',
      });
    }
  });

  it('gives up on a server that sends no headers, and on one that stops in the middle', async () => {
    const silent = await listening(net.createServer());
    const options = theOptions({ idleTimeoutMs: 300 });
    await expect(fetch.open(`http://${silent}/`, options)).rejects.toMatchObject({
      class: 'transient',
      code: 'SOURCE_STALLED',
    });
    const url = await aServer((_request, response) => {
      response.writeHead(200, { 'content-length': '10' }).write('begin');
    });
    const { body } = await fetch.open(url, options);
    await expect(text(body)).rejects.toMatchObject({ code: 'SOURCE_STALLED' });
  });

  it('tells of an answer that breaks off', async () => {
    const url = await aServer((_request, response) => {
      response.writeHead(200, { 'content-length': '10' }).write('begin', () => response.destroy());
    });
    const { body } = await fetch.open(url, theOptions());
    await expect(text(body)).rejects.toMatchObject({ class: 'transient' });
  });

  it('refuses headers without end', async () => {
    const url = await aServer((_request, response) => {
      response.setHeader('x-big', 'x'.repeat(40_000)).end();
    });
    await expect(fetch.open(url, theOptions())).rejects.toMatchObject({ class: 'transient' });
  });

  it('rejects with the reason of its signal', async () => {
    const silent = await listening(net.createServer());
    const controller = new AbortController();
    const reason = new Error('enough');
    const open = fetch.open(`http://${silent}/`, theOptions({ signal: controller.signal }));
    controller.abort(reason);
    await expect(open).rejects.toBe(reason);
  });

  it('closes the connection when the reader closes the body', async () => {
    let socket: net.Socket | undefined;
    const url = await aServer((request, response) => {
      socket = request.socket;
      response.writeHead(200).write('begin');
    });
    const { body } = await fetch.open(url, theOptions());
    body.destroy();
    await expect.poll(() => socket?.destroyed).toBe(true);
  });
});
