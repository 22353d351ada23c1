import { InvalidInputError } from '../base/errors.js';
import { isOpened, refuseAddress } from './addresses.js';
import type { Network } from './networks.js';
import { redirectedFrom, type Target } from './target.js';

/** What may be reached. */
export interface Reach {
  /** Networks that may be reached although they are not public, at every port. */
  readonly allowed: readonly Network[];
  /** Ports that may be asked for at public addresses; `undefined`: every port. */
  readonly ports: readonly number[] | undefined;
}

/**
 * Lets a target pass only when every one of its addresses may be reached: one bad address among good
 * ones is what a rebinding name answers with.
 * @throws {InvalidInputError} `ADDRESS_REFUSED` · `PORT_REFUSED`; the hint holds the config line that would open it
 */
export function guardAddresses(
  target: Target,
  addresses: readonly string[],
  { allowed, ports }: Reach,
): void {
  const refused = addresses.flatMap((address) => refuseAddress(address, allowed) ?? []);
  const [first] = refused;
  if (first === undefined) {
    if (ports?.includes(target.port) === false) guardPort(target, addresses, allowed, ports);
    return;
  }
  const networks = [...new Set(refused.map(({ network }) => network))];
  const subject =
    first.address === target.host
      ? `The address ${first.address}`
      : `The address ${first.address} of the host "${target.host}"`;
  throw new InvalidInputError({
    code: 'ADDRESS_REFUSED',
    message: `${subject} is not public: ${first.kind}${redirectedFrom(target.from)}`,
    hint: `Use a public address; to reach this one, an operator opens its network in the config: ${allowLine(networks)}`,
    details: { url: target.shown, addresses: refused.map(({ address }) => address), networks },
  });
}

/**
 * Lets a name pass that only a proxy can resolve: what it resolves to is the proxy's to judge. Names that
 * mean the proxy's own machine or its own network are refused.
 * @throws {InvalidInputError} `ADDRESS_REFUSED` · `PORT_REFUSED`
 */
export function guardName(target: Target, { ports }: Reach): void {
  const labels = target.host.toLowerCase().replace(/\.$/, '').split('.');
  if (labels.length < 2 || LOCAL_NAMES.has(labels.at(-1) ?? '')) {
    throw new InvalidInputError({
      code: 'ADDRESS_REFUSED',
      message: `The host "${target.host}" is not public${redirectedFrom(target.from)}`,
      hint: 'Use the full name of a public host',
      details: { url: target.shown },
    });
  }
  if (ports?.includes(target.port) === false) throw refusedPort(target, ports);
}

/** Top-level names that no public host has (RFC 6761, RFC 6762, RFC 9476, ICANN for `internal`). */
const LOCAL_NAMES: ReadonlySet<string> = new Set([
  ...['localhost', 'localdomain', 'local', 'internal', 'intranet', 'private', 'corp', 'home'],
  ...['lan', 'arpa', 'alt', 'invalid', 'onion', 'test'],
]);

/** An operator who opens a network means its servers, wherever they listen. */
function guardPort(
  target: Target,
  addresses: readonly string[],
  allowed: readonly Network[],
  ports: readonly number[],
): void {
  if (addresses.every((address) => isOpened(address, allowed))) return;
  throw refusedPort(target, ports);
}

function refusedPort(target: Target, ports: readonly number[]): InvalidInputError {
  return new InvalidInputError({
    code: 'PORT_REFUSED',
    message: `Port ${target.port} of "${target.host}" may not be asked for${redirectedFrom(target.from)}; open are ${ports.join(', ')}`,
    hint: `Use one of the open ports; to open this one, an operator lists it in the config: ports: [${[...ports, target.port].join(', ')}]`,
    details: { url: target.shown, port: target.port },
  });
}

/** IPv6 is quoted: a colon can end a YAML key. */
function allowLine(networks: readonly string[]): string {
  const items = networks.map((network) => (network.includes(':') ? `'${network}'` : network));
  return `allow: [${items.join(', ')}]`;
}
