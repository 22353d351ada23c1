import { once } from 'node:events';
import { createServer, request } from 'node:http';
import type { ClientRequest, IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { UploadStream } from './upload-stream.js';

const KIB = 1024;
const IDLE_MS = 60_000;

/** An upload under way: what the server has got of it, and the client that sends more. */
interface Upload extends AsyncDisposable {
  readonly req: IncomingMessage;
  readonly client: ClientRequest;
}

async function anUpload(): Promise<Upload> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const client = request({ port, host: '127.0.0.1', method: 'PUT' });
  client.on('error', () => undefined);
  client.flushHeaders();
  const [req] = (await once(server, 'request')) as [IncomingMessage];
  return {
    req,
    client,
    async [Symbol.asyncDispose]() {
      client.destroy();
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
}

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
});
afterEach(() => {
  vi.useRealTimers();
});

describe('an upload', () => {
  it('has stalled when nothing came for so long while it was awaited, and at no other time', async () => {
    await using upload = await anUpload();
    let came = 0;
    const stream = new UploadStream(upload.req, {
      idleTimeoutMs: IDLE_MS,
      minRate: 0,
      onBytes: (count) => {
        came += count;
      },
    });
    const failed = vi.fn<(error: unknown) => void>();
    stream.on('error', failed);

    // More than waits for a reader, who takes nothing yet.
    upload.client.write(Buffer.alloc(256 * KIB));
    const paused = once(upload.req, 'pause');
    stream.read(0);
    await paused;
    vi.advanceTimersByTime(10 * IDLE_MS);
    expect(failed).not.toHaveBeenCalled();

    let read = 0;
    stream.on('data', (bytes: Buffer) => {
      read += bytes.length;
    });
    while (read < 256 * KIB) await once(stream, 'data');
    vi.advanceTimersByTime(0.75 * IDLE_MS);

    upload.client.write('late');
    await once(stream, 'data');
    vi.advanceTimersByTime(0.75 * IDLE_MS);
    expect(failed).not.toHaveBeenCalled();
    vi.advanceTimersByTime(0.25 * IDLE_MS - 1);
    expect(failed).not.toHaveBeenCalled();

    const error = once(stream, 'error');
    vi.advanceTimersByTime(1);
    expect((await error)[0]).toMatchObject({ class: 'transient', code: 'UPLOAD_STALLED' });
    expect(came).toBe(256 * KIB + 'late'.length);
  });
});
