import { parse } from 'node:querystring';
import { describe, expect, it } from 'vitest';
import { parseImageQuery } from './image-query.js';

function query(text: string): unknown {
  try {
    return parseImageQuery(parse(text));
  } catch (error) {
    return (error as { code: string }).code;
  }
}

const HIDDEN = { kind: 'attribute', name: 'os_hidden', comparison: 'eq', value: false };

describe('parseImageQuery', () => {
  it('has the newest 25 visible images as its default', () => {
    expect(query('')).toEqual({
      visibility: undefined,
      memberStatus: 'accepted',
      filters: [HIDDEN],
      sort: [{ key: 'created_at', direction: 'desc' }],
      marker: undefined,
      limit: 25,
    });
  });

  it.each([
    [
      'sort=name:asc,size',
      [
        ['name', 'asc'],
        ['size', 'desc'],
      ],
    ],
    [
      'sort_key=name&sort_key=size&sort_dir=asc',
      [
        ['name', 'asc'],
        ['size', 'asc'],
      ],
    ],
    [
      'sort_key=name&sort_dir=asc&sort_key=size&sort_dir=desc',
      [
        ['name', 'asc'],
        ['size', 'desc'],
      ],
    ],
    ['sort_dir=asc', [['created_at', 'asc']]],
    ['sort_key=status', [['status', 'desc']]],
  ])('sorts by %s', (text, expected) => {
    const sort = expected.map(([key, direction]) => ({ key, direction }));
    expect(query(text)).toMatchObject({ sort });
  });

  it.each<[string, object]>([
    ['name=a', { kind: 'attribute', name: 'name', comparison: 'eq', value: 'a' }],
    [
      'name=in:"glass,%20darkly",share%20me',
      { kind: 'in', name: 'name', values: ['glass, darkly', 'share me'] },
    ],
    ['status=in:queued,active', { kind: 'in', name: 'status', values: ['queued', 'active'] }],
    ['name=in:"a\\"b"', { kind: 'in', name: 'name', values: ['a"b'] }],
    ['size_min=5', { kind: 'attribute', name: 'size', comparison: 'gte', value: 5 }],
    [
      'virtual_size_max=9',
      { kind: 'attribute', name: 'virtual_size', comparison: 'lte', value: 9 },
    ],
    ['min_ram=512', { kind: 'attribute', name: 'min_ram', comparison: 'eq', value: 512 }],
    ['os_distro=ubuntu', { kind: 'property', name: 'os_distro', value: 'ubuntu' }],
    ['foo_max=x', { kind: 'property', name: 'foo_max', value: 'x' }],
    ['protected=true', { kind: 'attribute', name: 'protected', comparison: 'eq', value: true }],
    [
      'created_at=gt:2026-01-02T03:04:05Z',
      {
        kind: 'attribute',
        name: 'created_at',
        comparison: 'gt',
        value: new Date('2026-01-02T03:04:05Z'),
      },
    ],
    [
      'updated_at=2026-01-02T03:04:05',
      {
        kind: 'attribute',
        name: 'updated_at',
        comparison: 'eq',
        value: new Date('2026-01-02T03:04:05Z'),
      },
    ],
  ])('filters by %s', (text, filter) => {
    expect(query(text)).toMatchObject({ filters: [HIDDEN, filter] });
  });

  it('joins tags, and shows hidden images when asked', () => {
    expect(query('tag=x86&tag=64bit&os_hidden=True')).toMatchObject({
      filters: [
        { ...HIDDEN, value: true },
        { kind: 'tag', tag: 'x86' },
        { kind: 'tag', tag: '64bit' },
      ],
    });
  });

  it('cuts a page that is too large', () => {
    expect(query('limit=5000')).toMatchObject({ limit: 1000 });
    expect(query('limit=0')).toMatchObject({ limit: 0 });
  });

  it.each([
    'limit=-1',
    'limit=many',
    'sort=colour',
    'sort=name:up',
    'sort=name&sort_key=size',
    'sort_key=name&sort_key=size&sort_key=id&sort_dir=asc&sort_dir=desc',
    'visibility=hidden',
    'os_hidden=yes',
    'protected=1',
    'member_status=maybe',
    'changes-since=2026-01-01',
    'size_min=big',
    'created_at=gt:yesterday',
    'name=in:"open',
  ])('refuses %s', (text) => {
    expect(query(text)).toBe('QUERY_INVALID');
  });

  it('refuses a value of spaces that goes wrong at its end, without trying all ways', () => {
    expect(query(`name=in:${' '.repeat(15_000)}"`)).toBe('QUERY_INVALID');
    expect(query(`name=in:a${' '.repeat(15_000)}"`)).toBe('QUERY_INVALID');
  });
});
