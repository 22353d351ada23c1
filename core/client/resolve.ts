import type { LookupAddress } from 'node:dns';
import { lookup } from 'node:dns/promises';
import { isIP, type LookupFunction } from 'node:net';
import { systemCode, TransientError } from '../base/errors.js';
import { formatDuration } from '../base/duration.js';
import { guardAddresses, guardName, type Reach } from './address-guard.js';
import { within } from './deadline.js';
import { describeTarget, literalAddress, type Target } from './target.js';

/** Answers with every address of a host name, best first. */
export type HostLookup = (hostname: string) => Promise<readonly LookupAddress[]>;

/** As the system resolves names for every other program: hosts file, search list and all. */
export const systemLookup: HostLookup = (hostname) =>
  lookup(hostname, { all: true, order: 'verbatim' });

export interface ResolveOptions {
  readonly lookup: HostLookup;
  readonly reach: Reach;
  /** A proxy resolves the names that this server cannot. */
  readonly isProxied: boolean;
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

/**
 * Finds the addresses of a target, once, and checks each of them. Only these may be connected to.
 * @returns at least one address, but none for a name that is left to the proxy
 * @throws {InvalidInputError} `ADDRESS_REFUSED` · `PORT_REFUSED`
 * @throws {TransientError} `SOURCE_UNREACHABLE` when the name has no address, or not in time
 */
export async function resolveTarget(
  target: Target,
  options: ResolveOptions,
): Promise<readonly LookupAddress[]> {
  const literal = literalAddress(target);
  const found =
    literal === undefined
      ? await addressesOf(target, options)
      : [{ address: literal, family: isIP(literal) }];
  if (found === undefined) {
    guardName(target, options.reach);
    return [];
  }
  guardAddresses(
    target,
    found.map(({ address }) => address),
    options.reach,
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

/** `undefined` for a name that only the proxy can resolve. */
async function addressesOf(
  target: Target,
  options: ResolveOptions,
): Promise<readonly LookupAddress[] | undefined> {
  try {
    return await lookUp(target, options);
  } catch (error) {
    if (options.isProxied && error instanceof TransientError) return undefined;
    throw error;
  }
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
