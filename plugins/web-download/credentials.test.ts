import { describe, expect, it } from 'vitest';
import { Secret } from '../../core/api.js';
import { credentialsFor } from './credentials.js';

const headersFor = credentialsFor([
  { url: 'https://images.example.org', username: 'us er', password: new Secret('hun:ter2') },
  { url: 'https://images.example.org/golden', bearer: new Secret('gold') },
  { url: 'http://plain.example.org:8080/x/', headers: { 'X-Key': new Secret('key') } },
]);

function sent(url: string): string | undefined {
  const { authorization, 'X-Key': key } = headersFor(new URL(url));
  return authorization ?? key;
}

const BASIC = `Basic ${Buffer.from('us er:hun:ter2').toString('base64')}`;

describe('credentials of the config', () => {
  it.each([
    ['https://images.example.org/', BASIC],
    ['https://IMAGES.example.org:443/a/b?c#d', BASIC],
    ['https://images.example.org/golden', 'Bearer gold'],
    ['https://images.example.org/golden/disk', 'Bearer gold'],
    ['https://images.example.org/goldener', BASIC],
    ['https://images.example.org/golden/../disk', BASIC],
    ['https://images.example.org/golden/%2e%2e/disk', BASIC],
    ['http://plain.example.org:8080/x/disk', 'key'],
  ])('are sent to %s: %s', (url, header) => {
    expect(sent(url)).toBe(header);
  });

  it.each([
    'http://images.example.org/',
    'https://images.example.org:8443/',
    'https://images.example.org.evil.test/',
    'https://evil.test/https://images.example.org/',
    'https://images.example.org@evil.test/',
    'https://www.images.example.org/',
    'http://plain.example.org/x/',
    'http://plain.example.org:8080/xy',
    'http://plain.example.org:8080/',
  ])('are not sent to %s', (url) => {
    expect(headersFor(new URL(url))).toEqual({});
  });
});
