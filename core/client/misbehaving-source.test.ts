import { setTimeout as wait } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { options, failureOf, facts, textOf, closed } from '../../test/support/fetching.js';
import { listenTcp } from '../../test/support/listener.js';
import { createGuardedFetch } from './guarded-fetch.js';

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
    [
      'another protocol to come',
      'HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n',
    ],
  ])('is not read when it answers with %s', async (_, bytes) => {
    await using listener = await listenTcp((socket) => socket.write(bytes));
    const url = `http://127.0.0.1:${listener.port}/`;
    const failure = await failureOf(createGuardedFetch().open(url, options()));
    expect(failure).toEqual(facts('permanent', 'SOURCE_ANSWER_INVALID'));
    await listener.idle();
  });
});
