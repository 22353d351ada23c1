import prettier from 'prettier';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { assertConforms } from '../../../test/support/conformance.js';
import { OPERATIONS, openApiDocument } from './document.js';

const FILE = new URL('../../../docs/openapi.json', import.meta.url).pathname;

describe('the document of the API', () => {
  it('is the one that is checked in', async () => {
    const options = { ...(await prettier.resolveConfig(FILE)), parser: 'json' };
    const text = await prettier.format(JSON.stringify(openApiDocument([])), options);
    await expect(text).toMatchFileSnapshot(FILE);
  });

  it('names each operation once', () => {
    const ids = OPERATIONS.map(({ id }) => id);
    expect(new Set(ids).size).toBe(ids.length);
    const routes = OPERATIONS.map(({ method, path }) => `${method} ${path}`);
    expect(new Set(routes).size).toBe(routes.length);
  });

  it('refers to nothing that is not there', () => {
    const document = openApiDocument([]);
    const references = JSON.stringify(document).matchAll(/"\$ref":"#\/([^"]+)"/g);
    const found = [...references].map(([, path = '']) => [
      path,
      path
        .split('/')
        .reduce<unknown>(
          (value, key) => (value as Record<string, unknown> | undefined)?.[key],
          document,
        ),
    ]);
    expect(found.length).toBeGreaterThan(30);
    expect(found.filter(([, value]) => value === undefined)).toEqual([]);
  });

  it('says what each import method takes', () => {
    const method = {
      name: 'fetch',
      description: 'Fetches it',
      params: z.strictObject({ uri: z.url() }),
      from: [],
      data: 'new',
      source: class {
        source = (): Promise<never> => Promise.reject(new Error('not used'));
      },
    } as const;
    expect(openApiDocument([method])).toMatchObject({
      components: {
        schemas: {
          NewImport: {
            properties: {
              method: {
                oneOf: [
                  {
                    properties: { name: { const: 'fetch' }, uri: { type: 'string' } },
                    required: ['name', 'uri'],
                    additionalProperties: false,
                  },
                ],
              },
            },
          },
        },
      },
    });
  });
});

describe('what the tests hold answers against it with', () => {
  const member = {
    member_id: 'p',
    image_id: '6b9bc5ba-0a3d-4a0b-9d0e-0a3d4a0b9d0e',
    status: 'pending',
    created_at: '2026-01-02T03:04:05Z',
    updated_at: '2026-01-02T03:04:05Z',
    schema: '/v2/schemas/member',
  };
  const exchange = (body: unknown, parts: object = {}) => ({
    method: 'GET',
    path: `/v2/images/${member.image_id}/members/p?x=1`,
    status: 200,
    headers: { 'content-type': 'application/json; charset=utf-8' },
    text: JSON.stringify(body),
    ...parts,
  });

  it('lets the right answer pass', () => {
    assertConforms(exchange(member));
  });

  it.each([
    ['a member too many', exchange({ ...member, secret: 1 }), 'Member'],
    ['a value of another kind', exchange({ ...member, status: 'maybe' }), 'allowed values'],
    ['a member too few', exchange({ ...member, schema: undefined }), 'schema'],
    ['another status', exchange(member, { status: 201 }), 'no such status'],
    ['no body', exchange(member, { text: '' }), 'promises a body'],
    ['another type', exchange(member, { headers: { 'content-type': 'text/html' } }), 'text/html'],
    ['an error of another form', exchange({ error: 'no' }, { status: 404 }), 'Problem'],
    [
      'a header that is missing',
      exchange('', { method: 'POST', path: '/stowage/v1/images/a/uploads', status: 201 }),
      'Tus-Resumable',
    ],
  ])('finds %s', (_, wrong, reason) => {
    expect(() => {
      assertConforms(wrong);
    }).toThrow(reason);
  });
});
