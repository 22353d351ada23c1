import type { LookupAddress } from 'node:dns';
import { lookup } from 'node:dns/promises';
import { isIP, type LookupFunction } from 'node:net';
import { systemCode, TransientError } from '../base/errors.js';
import { formatDuration } from '../base/duration.js';
import { guardAddresses } from './address-guard.js';
import { within } from './deadline.js';
import type { Network } from './networks.js';
import { describeTarget, literalAddress, type Target } from './target.js';

/** Answers with every address of a host name, best first. */
export type HostLookup = (hostname: string) => Promise<readonly LookupAddress[]>;

/** As the system resolves names for every other program: hosts file, search list and all. */
export const systemLookup: HostLookup = (hostname) =>
  lookup(hostname, { all: true, order: 'verbatim' });

export interface ResolveOptions {
  readonly lookup: HostLookup;
  readonly allowed: readonly Network[];
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

/**
 * Finds the addresses of a target, once, and checks each of them. Only these may be connected to.
 * @returns at least one address
 * @throws {InvalidInputError} `ADDRESS_REFUSED`
 * @throws {TransientError} `SOURCE_UNREACHABLE` when the name has no address, or not in time
 */
export async function resolveTarget(
  target: Target,
  options: ResolveOptions,
): Promise<readonly LookupAddress[]> {
  const literal = literalAddress(target);
  const found =
    literal === undefined
      ? await lookUp(target, options)
      : [{ address: literal, family: isIP(literal) }];
  guardAddresses(
    target,
    found.map(({ address }) => address),
    options.allowed,
  );
  return found;
}

/** A lookup for sockets that knows these addresses and nothing else, whatever the name. */
export function pinnedLookup(addresses: readonly LookupAddress[]): LookupFunction {
  return (_hostname, { all }, callback) => {
    const [first] = addresses;
    if (all === true) callback(null, [...addresses]);
    else callback(null, first?.address ?? '', first?.family);
  };
}

async function lookUp(
  target: Target,
  { lookup, timeoutMs, signal }: ResolveOptions,
): Promise<readonly LookupAddress[]> {
  const late = (): Error => unresolved(target, `no answer within ${formatDuration(timeoutMs)}`);
  const translated = lookup(target.host).catch((error: unknown) => {
    throw unresolved(target, systemCode(error) ?? 'the resolver failed', error);
  });
  const found = await within(translated, timeoutMs, late, signal);
  if (found.length === 0) throw unresolved(target, 'it has no address');
  return found;
}

function unresolved(target: Target, why: string, cause?: unknown): TransientError {
  return new TransientError({
    code: 'SOURCE_UNREACHABLE',
    message: `Cannot resolve the host "${target.host}" of ${describeTarget(target)}: ${why}`,
    hint: 'Check the spelling of the host, and that this server can resolve it',
    cause,
  });
}
