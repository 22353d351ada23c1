import { describe, expect, it } from 'vitest';
import { parseSpecifier } from './specifier.js';

describe('parseSpecifier', () => {
  it.each([
    ['convert', { kind: 'built-in', name: 'convert' }],
    ['virtual-size', { kind: 'built-in', name: 'virtual-size' }],
    ['@acme/scan', { kind: 'package', name: '@acme/scan' }],
    ['npm:scan', { kind: 'package', name: 'scan' }],
    ['npm:@acme/scan', { kind: 'package', name: '@acme/scan' }],
    ['./scan.js', { kind: 'path', path: './scan.js' }],
    ['../scan', { kind: 'path', path: '../scan' }],
    ['/opt/scan', { kind: 'path', path: '/opt/scan' }],
    ['@acme', { kind: 'invalid' }],
    ['@acme/scan/../../x', { kind: 'invalid' }],
    ['npm:../x', { kind: 'invalid' }],
    ['scan/x', { kind: 'invalid' }],
    ['Convert', { kind: 'invalid' }],
    ['..', { kind: 'invalid' }],
    ['https://example.org/x.js', { kind: 'invalid' }],
    ['', { kind: 'invalid' }],
  ])('reads %s', (text, expected) => {
    expect(parseSpecifier(text)).toEqual(expected);
  });
});
