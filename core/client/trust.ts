import { isIP, type Socket } from 'node:net';
import {
  connect,
  createSecureContext,
  rootCertificates,
  type SecureContext,
  type TLSSocket,
} from 'node:tls';

/** Whom connections trust, by the certificates that are trusted beside the public ones. */
const contexts = new Map<string, SecureContext>();

/** TLS over a connection, for a name or an address of the other side. */
export function startTls(socket: Socket, host: string, ca: string | undefined): TLSSocket {
  // In a certificate and in SNI a name has no final dot (RFC 6066, section 3).
  const name = host.replace(/\.$/, '');
  return connect({
    socket,
    host: name,
    servername: isIP(name) === 0 ? name : '',
    secureContext: trusting(ca),
    // Whatever the environment says.
    rejectUnauthorized: true,
    ALPNProtocols: ['http/1.1'],
  });
}

/**
 * The public certificates, and those in `ca` (PEM). Made once for each `ca`: there are as many as the
 * config has.
 */
function trusting(ca: string | undefined): SecureContext {
  const key = ca ?? '';
  const known = contexts.get(key);
  if (known !== undefined) return known;
  const context = createSecureContext(ca === undefined ? {} : { ca: [...rootCertificates, ca] });
  contexts.set(key, context);
  return context;
}
