import ipaddr from 'ipaddr.js';
import { InvalidInputError } from '../base/errors.js';

type Address = ipaddr.IPv4 | ipaddr.IPv6;

/**
 * IPv6 networks that reach IPv4 addresses or a site's own machines although `ipaddr.js` may take them
 * for ordinary ones: IPv4-compatible (RFC 4291, 2.5.5.1), local-use NAT64 (RFC 8215), site-local
 * (RFC 3879).
 */
const ALSO_REFUSED = ['::/96', '64:ff9b:1::/48', 'fec0::/10'].map((cidr) =>
  ipaddr.IPv6.parseCIDR(cidr),
);

/**
 * Checks that an address is a public one, or that the operator has opened its network.
 * @throws {InvalidInputError} `ADDRESS_REFUSED`
 */
export function checkAddress(host: string, text: string, allow: readonly string[]): void {
  const address = ipaddr.process(text);
  if (isPublic(address) || allow.some((network) => contains(network, address))) return;
  const single = `${address.toString()}/${address.kind() === 'ipv4' ? 32 : 128}`;
  const line = address.kind() === 'ipv4' ? `allow: [${single}]` : `allow: ["${single}"]`;
  throw new InvalidInputError({
    code: 'ADDRESS_REFUSED',
    message: `The host "${host}" has the address "${address.toString()}", which is not a public one`,
    hint: `If the server may reach it, let the operator add to the configuration of the method: ${line}`,
    details: { host, address: address.toString() },
  });
}

function isPublic(address: Address): boolean {
  if (address.range() !== 'unicast') return false;
  return address.kind() === 'ipv4' || !ALSO_REFUSED.some((network) => address.match(network));
}

function contains(network: string, address: Address): boolean {
  const [base, bits] = ipaddr.parseCIDR(network);
  return base.kind() === address.kind() && address.match(base, bits);
}
