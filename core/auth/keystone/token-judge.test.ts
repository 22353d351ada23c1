import { describe, expect, it } from 'vitest';
import { TransientError } from '../../base/errors.js';
import type { TokenFacts } from '../../client/keystone/token-facts.js';
import { silentLogger } from '../../telemetry/logger.js';
import { TokenJudge } from './token-judge.js';
import type { JudgeOptions } from './token-judge.js';

const START = Date.parse('2026-01-01T00:00:00Z');
const HOUR = 3_600_000;

/** A clock that stands, an identity service that answers what the test says, and what it was asked. */
function setUp(options: Partial<JudgeOptions> = {}) {
  let now = START;
  let answer: () => Promise<TokenFacts | undefined> = () => Promise.resolve(facts());
  const asked: string[] = [];
  const judge = new TokenJudge(
    {
      validate: (token, { allowExpired }) => {
        asked.push(`${token}${allowExpired ? '+' : ''}`);
        return answer();
      },
    },
    { now: () => new Date(now), sleep: () => Promise.resolve() },
    { cacheMs: 300_000, cacheSize: 3, outageMs: HOUR, ...options },
    silentLogger,
  );
  return {
    asked,
    pass: (ms: number) => (now += ms),
    answers: (next: typeof answer) => (answer = next),
    judge: async (token: string, allowExpired = false) => {
      try {
        return (await judge.judge(token, allowExpired))?.userId ?? 'refused';
      } catch (error) {
        return (error as { code: string }).code;
      }
    },
  };
}

function facts(lifeMs = 2 * HOUR): TokenFacts {
  return {
    userId: 'u',
    userDomainId: 'default',
    projectId: 'p',
    projectDomainId: 'default',
    domainId: null,
    systemScope: null,
    roles: ['member'],
    expiresAt: new Date(START + lifeMs),
  };
}

const failing = (code: string) => () =>
  Promise.reject(new TransientError({ code, message: 'It is away' }));
const away = failing('KEYSTONE_UNREACHABLE');

describe('TokenJudge', () => {
  it('asks once while an answer counts, and again afterwards', async () => {
    const t = setUp();
    await t.judge('a');
    t.pass(299_999);
    expect(await t.judge('a')).toBe('u');
    expect(t.asked).toEqual(['a']);
    t.pass(1);
    t.answers(() => Promise.resolve(undefined));
    expect(await t.judge('a')).toBe('refused');
    expect(t.asked).toEqual(['a', 'a']);
  });

  it('asks once for all who wait for the same token', async () => {
    const t = setUp();
    expect(await Promise.all(['a', 'a', 'a', 'b'].map((token) => t.judge(token)))).toHaveLength(4);
    expect(t.asked).toEqual(['a', 'b']);
  });

  it('tells all who wait when it fails, and asks anew for the next', async () => {
    const t = setUp();
    t.answers(failing('KEYSTONE_FAILS'));
    expect(await Promise.all([t.judge('a'), t.judge('a')])).toEqual([
      'KEYSTONE_FAILS',
      'KEYSTONE_FAILS',
    ]);
    t.answers(() => Promise.resolve(facts()));
    expect(await t.judge('a')).toBe('u');
    expect(t.asked).toEqual(['a', 'a']);
  });

  it('lets no answer outlive its token', async () => {
    const t = setUp();
    t.answers(() => Promise.resolve(facts(1000)));
    await t.judge('a');
    t.pass(1000);
    t.answers(away);
    expect(await t.judge('a')).toBe('KEYSTONE_UNREACHABLE');
  });

  it('trusts what it knows while Keystone is away, for so long', async () => {
    const t = setUp();
    await t.judge('a');
    t.answers(away);
    t.pass(HOUR - 1);
    expect([await t.judge('a'), await t.judge('b')]).toEqual(['u', 'KEYSTONE_UNREACHABLE']);
    t.pass(1);
    expect(await t.judge('a')).toBe('KEYSTONE_UNREACHABLE');
  });

  it('spares a Keystone that is silent, so that nobody waits for it in vain', async () => {
    const t = setUp();
    t.answers(away);
    await t.judge('a');
    await Promise.all(['b', 'c', 'd'].map((token) => t.judge(token)));
    expect(t.asked).toEqual(['a']);
    t.pass(2000);
    await t.judge('e');
    expect(t.asked).toEqual(['a', 'e']);
  });

  it('does not let one odd token keep the others out', async () => {
    const t = setUp();
    t.answers(failing('KEYSTONE_FAILS'));
    await t.judge('odd');
    t.answers(() => Promise.resolve(facts()));
    expect(await t.judge('b')).toBe('u');
  });

  it('does not ask again at once for a token that is not valid', async () => {
    const t = setUp();
    t.answers(() => Promise.resolve(undefined));
    await t.judge('a');
    expect(await t.judge('a')).toBe('refused');
    expect(t.asked).toEqual(['a']);
  });

  it('keeps known tokens however many others are tried', async () => {
    const t = setUp();
    await t.judge('known');
    t.answers(() => Promise.resolve(undefined));
    for (let n = 0; n < 100; n += 1) await t.judge(`guess ${n}`);
    expect(await t.judge('known')).toBe('u');
    expect(t.asked.filter((token) => token === 'known')).toHaveLength(1);
  });

  it('remembers so many and no more, the used ones longest', async () => {
    const t = setUp();
    for (const token of ['a', 'b', 'c', 'a', 'd', 'a', 'b']) await t.judge(token);
    expect(t.asked).toEqual(['a', 'b', 'c', 'd', 'b']);
  });

  it('turns away what is too much at once', async () => {
    const t = setUp();
    let release = (): void => undefined;
    const gate = new Promise<void>((resolve) => (release = resolve));
    t.answers(() => gate.then(() => facts()));
    const all = Array.from({ length: 300 }, (_, n) => t.judge(`t${n}`));
    release();
    const answers = await Promise.all(all);
    expect(answers.filter((answer) => answer === 'KEYSTONE_BUSY')).toHaveLength(44);
  });

  it('leaves it to Keystone each time how long a service may use a token that has expired', async () => {
    const t = setUp();
    t.answers(() => Promise.resolve(facts(1000)));
    await t.judge('a', true);
    t.pass(200_000);
    expect(await t.judge('a', true)).toBe('u');
    t.pass(100_000);
    t.answers(away);
    expect(await t.judge('a', true)).toBe('KEYSTONE_UNREACHABLE');
    expect(t.asked).toEqual(['a+', 'a+']);
  });
});
