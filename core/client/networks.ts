import ipaddr from 'ipaddr.js';
import { InvalidInputError } from '../base/errors.js';

/** A network in CIDR form, read: its address and its prefix length in bits. */
export type Network = readonly [address: ipaddr.IPv4 | ipaddr.IPv6, prefix: number];

/**
 * Reads networks in CIDR form: `10.20.0.0/16`, `fd00:1::/64`.
 * @throws {InvalidInputError} `NETWORK_INVALID` at the first that is none. IPv4 with leading zeros and
 * IPv4 written as IPv6 (`::ffff:10.0.0.0/104`) are refused: they would not mean what they seem to.
 */
export function parseNetworks(texts: readonly string[]): readonly Network[] {
  return texts.map(parseNetwork);
}

function parseNetwork(text: string): Network {
  if (ipaddr.IPv4.isValidCIDRFourPartDecimal(text)) return ipaddr.IPv4.parseCIDR(text);
  if (ipaddr.IPv6.isValidCIDR(text)) {
    const network = ipaddr.IPv6.parseCIDR(text);
    if (!network[0].isIPv4MappedAddress()) return network;
  }
  throw new InvalidInputError({
    code: 'NETWORK_INVALID',
    message: `"${text}" is not a network`,
    hint: 'Write an address and a prefix length, for example 10.20.0.0/16, 10.1.2.3/32 or fd00:1::/64',
  });
}

/** Whether one of the networks holds the address; the two families never hold each other's. */
export function holds(networks: readonly Network[], address: ipaddr.IPv4 | ipaddr.IPv6): boolean {
  return networks.some(
    ([network, prefix]) => network.kind() === address.kind() && address.match(network, prefix),
  );
}
