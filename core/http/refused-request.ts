import type { Duplex } from 'node:stream';
import { systemCode } from '../base/errors.js';

/** Milliseconds in which what the client is still sending is read and dropped. */
const LINGER_MS = 3_000;

/** Answers to what cannot be read as a request; other faults are 400. */
const STATUS: Readonly<Record<string, string>> = {
  HPE_HEADER_OVERFLOW: '431 Request Header Fields Too Large',
  HPE_CHUNK_EXTENSIONS_OVERFLOW: '413 Payload Too Large',
  ERR_HTTP_REQUEST_TIMEOUT: '408 Request Timeout',
};

const refused = new WeakSet<Duplex>();

/**
 * Ends a connection on which no request can be read. Closing over unread bytes would reset it, and
 * many clients would never see the answer.
 */
export function refuseRequest(error: unknown, socket: Duplex): void {
  // Each further piece of what cannot be read is an error again.
  if (refused.has(socket)) return;
  refused.add(socket);
  const code = systemCode(error) ?? '';
  if (code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return;
  }
  const status = STATUS[code] ?? '400 Bad Request';
  socket.end(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
  socket.resume();
  const timer = setTimeout(() => socket.destroy(), LINGER_MS);
  socket
    .once('end', () => socket.destroy())
    .once('close', () => {
      clearTimeout(timer);
    });
}
