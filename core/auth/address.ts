import ipaddr from 'ipaddr.js';
import { InvalidInputError } from '../base/errors.js';

type Address = ipaddr.IPv4 | ipaddr.IPv6;

/** A set of networks, IPv4 and IPv6; an IPv4 address mapped into IPv6 counts as IPv4. */
export interface Networks {
  has(address: string): boolean;
}

/** @throws {InvalidInputError} `NETWORK_INVALID` when a text is neither CIDR nor an address. */
export function parseNetworks(texts: readonly string[]): Networks {
  const networks = texts.map(parseNetwork);
  return {
    has(address) {
      if (!ipaddr.isValid(address)) return false;
      const peer = ipaddr.process(address);
      return networks.some(([base, bits]) => base.kind() === peer.kind() && peer.match(base, bits));
    },
  };
}

/** Whether an address is the machine's own. */
export function isLoopback(address: string): boolean {
  return ipaddr.isValid(address) && ipaddr.process(address).range() === 'loopback';
}

function parseNetwork(text: string): [Address, number] {
  try {
    if (text.includes('/')) return ipaddr.parseCIDR(text);
    const address = ipaddr.process(text);
    return [address, address.kind() === 'ipv4' ? 32 : 128];
  } catch (cause) {
    throw new InvalidInputError({
      code: 'NETWORK_INVALID',
      message: `"${text}" is not a network`,
      hint: 'Write networks like 10.20.0.0/16, 192.0.2.7 or fd00::/8',
      cause,
    });
  }
}
