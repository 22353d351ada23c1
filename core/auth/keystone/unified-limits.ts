import { z } from 'zod';
import type { Clock } from '../../base/clock.js';
import { TransientError } from '../../base/errors.js';
import type { Keystone } from '../../client/keystone/keystone.js';
import { QUOTAS, isQuotaOfBytes } from '../../image/quota.js';
import type { QuotaLimits, QuotaName } from '../../image/quota.js';
import { Remembered } from './remembered.js';

/** Milliseconds that an answer counts. */
const FRESH = 60_000;
/** Projects whose limits are remembered. */
const MAX_PROJECTS = 10_000;
/** Keystone counts sizes in MiB here, as for Glance. */
const MIB = 1024 * 1024;

const Services = z.object({ services: z.array(z.object({ id: z.string() })) });
const region = z.string().nullable();
const Registered = z.object({
  registered_limits: z.array(
    z.object({ resource_name: z.string(), default_limit: z.number(), region_id: region }),
  ),
});
const Own = z.object({
  limits: z.array(
    z.object({ resource_name: z.string(), resource_limit: z.number(), region_id: region }),
  ),
});

interface Answer {
  readonly limits: QuotaLimits;
  readonly at: number;
}

export interface UnifiedLimitsOptions {
  /** Region whose limits hold beside those of all regions, and before them. */
  readonly region: string | undefined;
  /** Milliseconds that an answer counts while Keystone cannot be asked. */
  readonly outageMs: number;
}

/**
 * Limits that are registered with Keystone for the service of type `image` ("unified limits"). What is
 * not registered, or is -1, has no limit.
 */
export class UnifiedLimits {
  readonly isOff = false;
  readonly #answers = new Remembered<Answer>(MAX_PROJECTS);
  readonly #asked = new Map<string, Promise<Answer>>();

  constructor(
    private readonly keystone: Pick<Keystone, 'getOfSystem'>,
    private readonly options: UnifiedLimitsOptions,
    private readonly clock: Clock,
  ) {}

  /** @throws {TransientError} `KEYSTONE_UNREACHABLE` · `KEYSTONE_FAILS` */
  async limitsOf(projectId: string): Promise<QuotaLimits> {
    const known = this.#answers.get(projectId);
    const age = known === undefined ? Infinity : this.clock.now().getTime() - known.at;
    if (known !== undefined && age < FRESH) return known.limits;
    try {
      return (await this.#ask(projectId)).limits;
    } catch (error) {
      const counts = error instanceof TransientError && age < this.options.outageMs;
      if (known !== undefined && counts) return known.limits;
      throw error;
    }
  }

  /** All who wait for the same answer share one question. */
  #ask(projectId: string): Promise<Answer> {
    const asked =
      this.#asked.get(projectId) ??
      this.#request(projectId).finally(() => this.#asked.delete(projectId));
    this.#asked.set(projectId, asked);
    return asked;
  }

  async #request(projectId: string): Promise<Answer> {
    const at = this.clock.now().getTime();
    const { services } = read(Services, await this.keystone.getOfSystem('/services?type=image'));
    const [service] = services;
    if (service === undefined) throw unusable('it knows no service of type "image"');
    const query = `service_id=${encodeURIComponent(service.id)}`;
    const [defaults, own] = await Promise.all([
      this.keystone.getOfSystem(`/registered_limits?${query}`),
      this.keystone.getOfSystem(`/limits?${query}&project_id=${encodeURIComponent(projectId)}`),
    ]);
    const limits = {
      ...this.#limits(
        read(Registered, defaults).registered_limits.map((entry) => ({
          ...entry,
          limit: entry.default_limit,
        })),
      ),
      ...this.#limits(
        read(Own, own).limits.map((entry) => ({ ...entry, limit: entry.resource_limit })),
      ),
    };
    const answer = { limits: withoutUnlimited(limits), at };
    this.#answers.set(projectId, answer);
    return answer;
  }

  #limits(
    entries: readonly {
      readonly resource_name: string;
      readonly region_id: string | null;
      readonly limit: number;
    }[],
  ): Partial<Record<QuotaName, number>> {
    const found: Partial<Record<QuotaName, number>> = {};
    for (const wanted of [null, this.options.region]) {
      for (const { resource_name: resource, region_id: at, limit } of entries) {
        const name = QUOTAS.find((quota) => quota === resource);
        if (name !== undefined && at === wanted) found[name] = limit;
      }
    }
    return found;
  }
}

function withoutUnlimited(limits: Partial<Record<QuotaName, number>>): QuotaLimits {
  const inBytes = QUOTAS.flatMap((name) => {
    const limit = limits[name];
    if (limit === undefined || limit < 0) return [];
    return [[name, isQuotaOfBytes(name) ? limit * MIB : limit] as const];
  });
  return Object.fromEntries(inBytes);
}

function read<T>(schema: z.ZodType<T>, body: unknown): T {
  const result = schema.safeParse(body);
  if (result.success) return result.data;
  throw unusable('its list of limits is none');
}

function unusable(reason: string): TransientError {
  return new TransientError({
    code: 'KEYSTONE_FAILS',
    message: `The limits of the project cannot be asked for: ${reason}`,
    hint: 'Ask the operator: the service and its limits are registered with Keystone',
  });
}
