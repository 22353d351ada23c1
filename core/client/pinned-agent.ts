import { lookup } from 'node:dns/promises';
import type { LookupAddress } from 'node:dns';
import { isIP } from 'node:net';
import type { LookupFunction } from 'node:net';
import { Agent } from 'undici';
import { TransientError } from '../base/errors.js';
import { checkAddress } from './address-guard.js';

/** Bytes of the headers of one answer. */
const MAX_HEADER_SIZE = 16 * 1024;

export interface AgentOptions {
  /** Networks in CIDR form. */
  readonly allow: readonly string[];
  /** Milliseconds, for the name and for the connection. */
  readonly connectTimeoutMs: number;
  /** Milliseconds without a byte. */
  readonly idleTimeoutMs: number;
  readonly signal: AbortSignal;
}

/**
 * An agent that can connect to the addresses that the URL's host has now, each of which was checked.
 * A name that means another address a moment later changes nothing.
 * @throws {InvalidInputError} `ADDRESS_REFUSED`
 */
export async function pinnedAgent(url: URL, options: AgentOptions): Promise<Agent> {
  const host = url.hostname.replace(/^\[|\]$/g, '');
  const addresses = await addressesOf(host, options);
  for (const { address } of addresses) checkAddress(host, address, options.allow);
  const pinned: LookupFunction = (_host, { all }, callback) => {
    const [first] = addresses;
    if (all === true) callback(null, [...addresses]);
    else if (first !== undefined) callback(null, first.address, first.family);
  };
  return new Agent({
    connect: { lookup: pinned, timeout: options.connectTimeoutMs },
    headersTimeout: options.idleTimeoutMs,
    bodyTimeout: options.idleTimeoutMs,
    maxHeaderSize: MAX_HEADER_SIZE,
    pipelining: 0,
  });
}

async function addressesOf(
  host: string,
  { connectTimeoutMs, signal }: AgentOptions,
): Promise<readonly LookupAddress[]> {
  const family = isIP(host);
  if (family !== 0) return [{ address: host, family }];
  let timer: NodeJS.Timeout | undefined;
  let onAbort: (() => void) | undefined;
  // The system's resolver cannot be stopped; its answer is not waited for any longer.
  const given = new Promise<never>((_resolve, reject) => {
    onAbort = () => {
      reject(signal.reason instanceof Error ? signal.reason : new Error('Aborted'));
    };
    signal.addEventListener('abort', onAbort, { once: true });
    timer = setTimeout(() => {
      reject(
        new TransientError({
          code: 'SOURCE_UNREACHABLE',
          message: `The address of "${host}" was not found within ${connectTimeoutMs / 1000} s`,
          hint: 'Check the name server of this machine',
        }),
      );
    }, connectTimeoutMs);
  });
  try {
    return await Promise.race([lookup(host, { all: true }), given]);
  } finally {
    clearTimeout(timer);
    if (onAbort !== undefined) signal.removeEventListener('abort', onAbort);
  }
}
