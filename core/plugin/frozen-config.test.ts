import { describe, expect, it } from 'vitest';
import { Secret } from '../base/secret.js';
import { NotJsonError, SecretGoneError, freezeConfig, thawConfig } from './frozen-config.js';

describe('a frozen config', () => {
  const config = {
    name: 'x',
    limit: 3,
    none: null,
    absent: undefined,
    list: [{ key: new Secret('one') }, { key: new Secret('two') }],
    login: { password: new Secret('three') },
  };

  it('holds everything but the secrets', () => {
    const frozen = freezeConfig(config);
    expect(JSON.parse(JSON.stringify(frozen))).toEqual(frozen);
    expect(JSON.stringify(frozen)).not.toMatch(/"one"|"two"|three/);
    expect(frozen).toMatchObject({ name: 'x', limit: 3, none: null });
  });

  it('comes back with the secrets that are current then', () => {
    const current = { ...config, limit: 4, login: { password: new Secret('new') } };
    const thawed = thawConfig(freezeConfig(config), current) as typeof config;
    expect(thawed.limit).toBe(3);
    expect(thawed.login.password.reveal()).toBe('new');
    expect(thawed.list.map(({ key }) => key.reveal())).toEqual(['one', 'two']);
  });

  it('does not come back without its secrets', () => {
    const frozen = freezeConfig(config);
    for (const current of [undefined, {}, { ...config, login: { password: 'plain' } }]) {
      expect(() => thawConfig(frozen, current)).toThrow(SecretGoneError);
    }
  });

  it.each([
    ['a date', new Date()],
    ['a pattern', /x/],
    ['infinity', Infinity],
    ['a function', () => 1],
    ['a map', new Map()],
    ['a bigint', 1n],
  ])('cannot hold %s', (_, value) => {
    expect(() => freezeConfig({ a: [value] })).toThrow(NotJsonError);
  });
});
