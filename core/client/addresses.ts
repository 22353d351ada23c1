import { isIPv4, isIPv6 } from 'node:net';
import ipaddr from 'ipaddr.js';
import { holds, parseNetworks, type Network } from './networks.js';

/** Why an address must not be reached. */
export interface RefusedAddress {
  /** The address as it was given. */
  readonly address: string;
  /** What it is, in words: `loopback`, `private`, `IPv4 10.0.0.1 within 6to4 (private)`. */
  readonly kind: string;
  /** The network in CIDR form that would have to be allowed for it. */
  readonly network: string;
}

/**
 * Judges one address, IPv4 or IPv6 as a resolver writes it. Only what is assigned as global unicast is
 * reachable by default: what the IANA special-purpose registries name is refused, and so is all that
 * nobody has assigned. An IPv6 address that carries IPv4 addresses is as good as the worst of these.
 * @returns `undefined` when the address may be reached
 */
export function refuseAddress(
  text: string,
  allowed: readonly Network[],
): RefusedAddress | undefined {
  const address = parseAddress(text);
  if (address === undefined) return { address: text, kind: 'not an address', network: text };
  if (isV4(address)) return refuseV4(text, address, allowed);
  // The kernel opens IPv4 for these: they are that IPv4 address and nothing else.
  if (address.isIPv4MappedAddress()) return refuseV4(text, address.toIPv4Address(), allowed);
  if (holds(allowed, address)) return undefined;
  const carrier = CARRIERS.find(({ network }) => holds([network], address));
  if (carrier !== undefined) return refuseCarried(text, address, carrier, allowed);
  const kind = kindOfV6(address);
  if (kind === undefined) return undefined;
  return { address: text, kind, network: enclosing(address, kind === 'unique local' ? 64 : 128) };
}

/** Whether one of the networks holds the address, which was let pass before. */
export function isOpened(text: string, allowed: readonly Network[]): boolean {
  const address = parseAddress(text);
  if (address === undefined) return false;
  const isMapped = !isV4(address) && address.isIPv4MappedAddress();
  return holds(allowed, isMapped ? address.toIPv4Address() : address);
}

/**
 * Takes only what a socket takes too. ipaddr.js reads `::127.0.0.1`, which is IPv4-compatible, as the
 * IPv4-mapped `::ffff:127.0.0.1`; the URL parser writes both in plain groups.
 */
function parseAddress(text: string): ipaddr.IPv4 | ipaddr.IPv6 | undefined {
  if (isIPv4(text)) return ipaddr.IPv4.parse(text);
  const [withoutZone = ''] = text.split('%', 1);
  if (!isIPv6(withoutZone)) return undefined;
  return ipaddr.IPv6.parse(new URL(`http://[${withoutZone}]/`).hostname.slice(1, -1));
}

function refuseV4(
  text: string,
  address: ipaddr.IPv4,
  allowed: readonly Network[],
): RefusedAddress | undefined {
  if (holds(allowed, address)) return undefined;
  const kind = kindOfV4(address);
  if (kind === undefined) return undefined;
  return { address: text, kind, network: enclosing(address, kind === 'private' ? 24 : 32) };
}

function refuseCarried(
  text: string,
  address: ipaddr.IPv6,
  carrier: Carrier,
  allowed: readonly Network[],
): RefusedAddress | undefined {
  for (const carried of carrier.carried(address.toByteArray())) {
    const refused = refuseV4(text, carried, allowed);
    if (refused === undefined) continue;
    const kind = `IPv4 ${carried.toString()} within ${carrier.name} (${refused.kind})`;
    return { ...refused, kind };
  }
  return undefined;
}

/** An IPv6 network whose addresses carry IPv4 addresses. */
interface Carrier {
  readonly name: string;
  readonly network: Network;
  /** Reads the IPv4 addresses out of the 16 bytes of an address. */
  readonly carried: (bytes: readonly number[]) => readonly ipaddr.IPv4[];
}

const CARRIERS: readonly Carrier[] = [
  {
    // RFC 3056, section 2: bytes 2–5.
    name: '6to4',
    network: cidr('2002::/16'),
    carried: (bytes) => [v4(bytes.slice(2, 6))],
  },
  {
    // RFC 6052, section 2.1: bytes 12–15 under the well-known prefix.
    name: 'NAT64',
    network: cidr('64:ff9b::/96'),
    carried: (bytes) => [v4(bytes.slice(12, 16))],
  },
  {
    // RFC 4380, section 4: the server in bytes 4–7, the client inverted in bytes 12–15.
    name: 'Teredo',
    network: cidr('2001::/32'),
    carried: (bytes) => [v4(bytes.slice(4, 8)), v4(bytes.slice(12, 16).map((byte) => byte ^ 0xff))],
  },
];

/** RFC 4291, section 2.5.5.1; deprecated, and no range of ipaddr.js. */
const IPV4_COMPATIBLE = cidr('::/96');
/** All that IANA has given out as global unicast so far (IPv6 address space registry). */
const GLOBAL_UNICAST = cidr('2000::/3');
/**
 * Serves metadata and credentials to every Azure machine under an address that looks public
 * (Microsoft Learn, "What is IP address 168.63.129.16?").
 */
const AZURE_PLATFORM = cidr('168.63.129.16/32');

/** Words for the ranges of ipaddr.js whose name is not one; the others are `reserved`. */
const WORDS: Readonly<Record<string, string>> = {
  broadcast: 'broadcast',
  carrierGradeNat: 'carrier-grade NAT',
  linkLocal: 'link-local',
  loopback: 'loopback',
  multicast: 'multicast',
  private: 'private',
  uniqueLocal: 'unique local',
  unspecified: 'unspecified',
};

function kindOfV4(address: ipaddr.IPv4): string | undefined {
  if (holds([AZURE_PLATFORM], address)) return 'cloud platform';
  const range = address.range();
  return range === 'unicast' ? undefined : (WORDS[range] ?? 'reserved');
}

function kindOfV6(address: ipaddr.IPv6): string | undefined {
  const range = address.range();
  if (range !== 'unicast') return WORDS[range] ?? 'reserved';
  if (holds([IPV4_COMPATIBLE], address)) return 'IPv4-compatible';
  return holds([GLOBAL_UNICAST], address) ? undefined : 'unassigned';
}

function enclosing(address: ipaddr.IPv4 | ipaddr.IPv6, prefix: number): string {
  if (isV4(address)) {
    const network = ipaddr.IPv4.networkAddressFromCIDR(`${address.toString()}/${prefix}`);
    return `${network.toString()}/${prefix}`;
  }
  const network = ipaddr.IPv6.networkAddressFromCIDR(`${address.toNormalizedString()}/${prefix}`);
  return `${network.toRFC5952String()}/${prefix}`;
}

function isV4(address: ipaddr.IPv4 | ipaddr.IPv6): address is ipaddr.IPv4 {
  return address.kind() === 'ipv4';
}

function v4(bytes: readonly number[]): ipaddr.IPv4 {
  return new ipaddr.IPv4([...bytes]);
}

function cidr(text: string): Network {
  const [network] = parseNetworks([text]);
  if (network === undefined) throw new RangeError(`Not a network: ${text}`);
  return network;
}
