import ipaddr from 'ipaddr.js';
import { InvalidInputError } from '../../core/api.js';

/**
 * Judges an address without any look-up: what it refuses is refused in the request itself. What a
 * name stands for is judged when it is connected to.
 *
 * @throws {InvalidInputError} `URI_INVALID` · `URI_SCHEME` · `URI_CREDENTIALS` · `ADDRESS_REFUSED`
 */
export function checkWebAddress(uri: string, allow: readonly string[]): URL {
  if (!URL.canParse(uri)) {
    throw new InvalidInputError({
      code: 'URI_INVALID',
      message: `"${uri}" is no absolute address`,
      hint: 'Write it whole: https://host/path',
    });
  }
  const url = new URL(uri);
  if (url.protocol !== 'http:' && url.protocol !== 'https:') {
    throw new InvalidInputError({
      code: 'URI_SCHEME',
      message: `Addresses with "${url.protocol}" cannot be downloaded`,
      hint: 'Use http or https',
    });
  }
  if (url.username !== '' || url.password !== '') {
    throw new InvalidInputError({
      code: 'URI_CREDENTIALS',
      message: 'The address holds a user name or password, which would be kept with the import',
      hint: 'Use an address that needs none, for example a presigned one',
    });
  }
  assertPublic(url.hostname, allow);
  return url;
}

function assertPublic(hostname: string, allow: readonly string[]): void {
  const literal = hostname.replace(/^\[|\]$/g, '');
  if (!ipaddr.isValid(literal)) return;
  // An IPv4 address inside an IPv6 one is judged as what it is.
  const address = ipaddr.process(literal);
  if (address.range() === 'unicast' || allow.some((network) => contains(network, address))) return;
  const network = `${address.toString()}/${address.kind() === 'ipv4' ? 32 : 128}`;
  throw new InvalidInputError({
    code: 'ADDRESS_REFUSED',
    message: `The address "${literal}" is ${address.range()}, and those are refused`,
    hint: `The operator can open it in the configuration of web-download: allow: ['${network}']`,
  });
}

function contains(network: string, address: ipaddr.IPv4 | ipaddr.IPv6): boolean {
  const [base, bits] = ipaddr.parseCIDR(network);
  return base.kind() === address.kind() && address.match(base, bits);
}
