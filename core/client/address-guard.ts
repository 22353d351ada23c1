import { InvalidInputError } from '../base/errors.js';
import { refuseAddress } from './addresses.js';
import type { Network } from './networks.js';
import { redirectedFrom, type Target } from './target.js';

/**
 * Lets a target pass only when every one of its addresses may be reached: one bad address among good
 * ones is what a rebinding name answers with.
 * @throws {InvalidInputError} `ADDRESS_REFUSED`; the hint holds the config line that would open it
 */
export function guardAddresses(
  target: Target,
  addresses: readonly string[],
  allowed: readonly Network[],
): void {
  const refused = addresses.flatMap((address) => refuseAddress(address, allowed) ?? []);
  const [first] = refused;
  if (first === undefined) return;
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

/** IPv6 is quoted: a colon can end a YAML key. */
function allowLine(networks: readonly string[]): string {
  const items = networks.map((network) => (network.includes(':') ? `'${network}'` : network));
  return `allow: [${items.join(', ')}]`;
}
