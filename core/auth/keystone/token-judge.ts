import { createHash } from 'node:crypto';
import type { Clock } from '../../base/clock.js';
import { TransientError } from '../../base/errors.js';
import type { TokenFacts } from '../../client/keystone/token-facts.js';
import type { Logger } from '../../telemetry/logger.js';
import { Remembered } from './remembered.js';

/** The one question to Keystone. */
export interface TokenSource {
  validate(
    token: string,
    options: { readonly allowExpired: boolean },
  ): Promise<TokenFacts | undefined>;
}

export interface JudgeOptions {
  /** Milliseconds that an answer counts without asking again. */
  readonly cacheMs: number;
  /** Tokens that are remembered. */
  readonly cacheSize: number;
  /** Milliseconds that an answer counts while Keystone cannot be asked. */
  readonly outageMs: number;
}

interface Answer {
  readonly facts: TokenFacts;
  readonly askedAt: number;
}

/** Milliseconds for which a token that is not valid is not asked for again. */
const REFUSAL_MS = 10_000;
/** Milliseconds after a failure in which Keystone is spared, and nobody waits for it. */
const SPARE_MS = 2_000;
/** Questions under way at once; more are turned away, since each is a stranger's to make. */
const MAX_PENDING = 256;

/**
 * Says whom a token speaks for. Remembers answers by the digest of the token, never the token; asks once
 * for all who wait for the same answer; and goes on with what it remembers while Keystone is away. No
 * answer outlives its token.
 */
export class TokenJudge {
  readonly #known: Remembered<Answer>;
  readonly #refused: Remembered<number>;
  readonly #pending = new Map<string, Promise<TokenFacts | undefined>>();
  #failedAt = -Infinity;
  #isAway = false;

  constructor(
    private readonly source: TokenSource,
    private readonly clock: Clock,
    private readonly options: JudgeOptions,
    private readonly log: Pick<Logger, 'info' | 'warn'>,
  ) {
    this.#known = new Remembered(options.cacheSize);
    this.#refused = new Remembered(options.cacheSize);
  }

  /**
   * `undefined` for a token that is not valid.
   * @param allowExpired also one that has expired not long ago, as a service may ask for its user
   * @throws {TransientError} `KEYSTONE_UNREACHABLE` · `KEYSTONE_FAILS` · `KEYSTONE_BUSY`
   */
  async judge(token: string, allowExpired: boolean): Promise<TokenFacts | undefined> {
    const { cacheMs, outageMs } = this.options;
    const key = keyOf(token, allowExpired);
    const now = this.clock.now().getTime();
    const answer = this.#known.get(key);
    const isAlive = answer !== undefined && now < answer.facts.expiresAt.getTime();
    // How long after its end a token may be used is Keystone's to say, each time.
    if (answer !== undefined && (isAlive || allowExpired) && now - answer.askedAt < cacheMs) {
      return answer.facts;
    }
    const refusedAt = this.#refused.get(key);
    if (refusedAt !== undefined && now - refusedAt < REFUSAL_MS) return undefined;
    try {
      return await this.#ask(key, token, allowExpired);
    } catch (error) {
      const isRecent = answer !== undefined && now - answer.askedAt < outageMs;
      if (isAlive && isRecent && error instanceof TransientError) return answer.facts;
      throw error;
    }
  }

  #ask(key: string, token: string, allowExpired: boolean): Promise<TokenFacts | undefined> {
    const running = this.#pending.get(key);
    if (running !== undefined) return running;
    if (this.clock.now().getTime() - this.#failedAt < SPARE_MS) return Promise.reject(spared());
    if (this.#pending.size >= MAX_PENDING) return Promise.reject(busy());
    const asked = this.#question(key, token, allowExpired).finally(() => {
      this.#pending.delete(key);
    });
    this.#pending.set(key, asked);
    return asked;
  }

  async #question(
    key: string,
    token: string,
    allowExpired: boolean,
  ): Promise<TokenFacts | undefined> {
    // An answer is as old as its question: a revocation in between must not be missed for longer.
    const askedAt = this.clock.now().getTime();
    try {
      const facts = await this.source.validate(token, { allowExpired });
      this.#answered();
      if (facts === undefined) {
        this.#known.delete(key);
        this.#refused.set(key, askedAt);
      } else {
        this.#known.set(key, { facts, askedAt });
      }
      return facts;
    } catch (error) {
      this.#failed(error);
      throw error;
    }
  }

  /** Only silence is waited for, and so spared: an answer of 500 may be about one odd token. */
  #failed(error: unknown): void {
    if (!(error instanceof TransientError)) return;
    if (error.code === 'KEYSTONE_UNREACHABLE') this.#failedAt = this.clock.now().getTime();
    if (!this.#isAway) {
      this.log.warn('Keystone cannot be asked; known tokens are trusted for a while', { error });
    }
    this.#isAway = true;
  }

  #answered(): void {
    if (this.#isAway) this.log.info('Keystone answers again');
    this.#isAway = false;
    this.#failedAt = -Infinity;
  }
}

function keyOf(token: string, allowExpired: boolean): string {
  const digest = createHash('sha256').update(token).digest('base64');
  return `${digest}${allowExpired ? '+' : ''}`;
}

function spared(): TransientError {
  return new TransientError({
    code: 'KEYSTONE_UNREACHABLE',
    message: 'The identity service could not be asked a moment ago',
    hint: 'Try again in a few seconds',
    retryAfterMs: SPARE_MS,
  });
}

function busy(): TransientError {
  return new TransientError({
    code: 'KEYSTONE_BUSY',
    message: 'Too many tokens wait to be checked',
    hint: 'Try again in a few seconds',
    retryAfterMs: SPARE_MS,
  });
}
