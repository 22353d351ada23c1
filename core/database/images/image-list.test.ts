import { performance } from 'node:perf_hooks';
import { describe, expect, it } from 'vitest';
import { openTestDatabase } from '../../../test/support/database.js';
import { anImage } from '../../../test/support/records.js';
import { IMAGE_STATUSES } from '../../image/image.js';
import type { Image } from '../../image/image.js';
import { LISTED_STATUSES, SORT_KEYS } from '../../image/query.js';
import type { ImageFilter, ImageQuery } from '../../image/query.js';
import type { OpenDatabase } from '../sqlite-database.js';

async function openWith(images: readonly Image[]): Promise<OpenDatabase> {
  const { database } = await openTestDatabase();
  await database.write(async (tx) => {
    for (const image of images) await tx.insertImage(image);
  });
  return database;
}

function aQuery(parts: Partial<ImageQuery> = {}): ImageQuery {
  return {
    projectId: 'mine',
    isAdmin: true,
    visibility: 'all',
    memberStatus: 'accepted',
    filters: [],
    sort: [{ key: 'name', direction: 'asc' }],
    marker: undefined,
    limit: 1_000,
    ...parts,
  };
}

async function names(database: OpenDatabase, parts: Partial<ImageQuery>): Promise<string> {
  const images = await database.read.images(aQuery(parts));
  return images.map(({ name }) => name).join(' ');
}

describe('images', () => {
  it('are shown with their properties and tags', async () => {
    const images = ['a', 'b', 'c'].map((name) =>
      anImage({ name, tags: [name, 'z'], properties: { name, other: 'o' } }),
    );
    const database = await openWith(images);
    expect(await database.read.images(aQuery())).toEqual(images);
  });

  it('leave out statuses that no list has', async () => {
    const database = await openWith(
      IMAGE_STATUSES.map((status) => anImage({ name: status, status })),
    );
    const shown = await database.read.images(aQuery());
    expect(shown.map(({ status }) => status).sort()).toEqual([...LISTED_STATUSES].sort());
    const filters: ImageFilter[] = [
      { kind: 'in', name: 'status', values: ['deleted', 'active', 'killed'] },
    ];
    expect(await names(database, { filters })).toBe('active');
  });

  it('are those that the caller may see', async () => {
    const database = await openWith(
      (['mine', 'other', null] as const).flatMap((owner) =>
        (['community', 'private', 'public', 'shared'] as const).map((visibility) =>
          anImage({ owner, visibility, name: `${owner ?? 'nobody'}-${visibility}` }),
        ),
      ),
    );
    const all = 'community private public shared'.split(' ');
    const of = (owner: string, ...visibilities: readonly string[]): readonly string[] =>
      visibilities.map((visibility) => `${owner}-${visibility}`);
    const cases: readonly [Partial<ImageQuery>, readonly string[]][] = [
      [
        { isAdmin: false, visibility: undefined },
        [...of('mine', ...all), ...of('nobody', 'public'), ...of('other', 'public')],
      ],
      [
        { isAdmin: false, visibility: 'all' },
        [
          ...of('mine', ...all),
          ...of('nobody', 'community', 'public'),
          ...of('other', 'community', 'public'),
        ],
      ],
      [{ isAdmin: false, visibility: 'private' }, of('mine', 'private')],
      [{ isAdmin: false, visibility: 'shared' }, of('mine', 'shared')],
      [
        { isAdmin: false, visibility: 'community' },
        ['mine', 'nobody', 'other'].flatMap((owner) => of(owner, 'community')),
      ],
      [
        { isAdmin: false, projectId: null, visibility: undefined },
        ['mine', 'nobody', 'other'].flatMap((owner) => of(owner, 'public')),
      ],
      [
        { isAdmin: true, visibility: undefined },
        [
          ...of('mine', ...all),
          ...of('nobody', 'private', 'public', 'shared'),
          ...of('other', 'private', 'public', 'shared'),
        ],
      ],
      [
        { isAdmin: true, visibility: 'all' },
        ['mine', 'nobody', 'other'].flatMap((owner) => of(owner, ...all)),
      ],
      [
        { isAdmin: true, visibility: 'private' },
        ['mine', 'nobody', 'other'].flatMap((owner) => of(owner, 'private')),
      ],
    ];
    for (const [parts, expected] of cases) {
      expect((await names(database, parts)).split(' ')).toEqual(expected);
    }
  });

  it('fulfil every filter', async () => {
    const day = (number: number): Date => new Date(Date.UTC(2026, 0, number));
    const database = await openWith([
      anImage({ name: 'a', size: 1, tags: ['x'], properties: { os: 'linux' }, createdAt: day(1) }),
      anImage({ name: 'A', size: 2, tags: ['x', 'y'], diskFormat: 'raw', createdAt: day(2) }),
      anImage({ name: 'b', size: null, protected: true, minDisk: 7, createdAt: day(3) }),
      anImage({ name: 'c', properties: { os: 'Linux' }, osHidden: true, createdAt: day(4) }),
    ]);
    const attribute = (
      name: Extract<ImageFilter, { kind: 'attribute' }>['name'],
      comparison: Extract<ImageFilter, { kind: 'attribute' }>['comparison'],
      value: string | number | boolean | Date,
    ): ImageFilter => ({ kind: 'attribute', name, comparison, value });
    const cases: readonly [readonly ImageFilter[], string][] = [
      [[attribute('name', 'eq', 'a')], 'a'],
      [[attribute('name', 'neq', 'a')], 'A b c'],
      [[attribute('size', 'gte', 1)], 'A a'],
      [[attribute('size', 'lt', '2')], 'a'],
      [[attribute('size', 'neq', 1)], 'A b c'],
      [[attribute('min_disk', 'gt', 6)], 'b'],
      [[attribute('protected', 'eq', true)], 'b'],
      [[attribute('os_hidden', 'eq', false)], 'A a b'],
      [[attribute('created_at', 'lte', day(2))], 'A a'],
      [[attribute('created_at', 'gt', day(3))], 'c'],
      [[attribute('disk_format', 'eq', 'raw')], 'A'],
      [[{ kind: 'in', name: 'name', values: ['a', 'c', 'nobody'] }], 'a c'],
      [[{ kind: 'in', name: 'name', values: [] }], ''],
      [[{ kind: 'property', name: 'os', value: 'linux' }], 'a'],
      [[{ kind: 'property', name: 'os', value: 'lin%' }], ''],
      [[{ kind: 'tag', tag: 'x' }], 'A a'],
      [
        [
          { kind: 'tag', tag: 'x' },
          { kind: 'tag', tag: 'y' },
        ],
        'A',
      ],
      [[{ kind: 'tag', tag: 'x' }, attribute('size', 'eq', 1)], 'a'],
      [[{ kind: 'tag', tag: `' OR 1=1 --` }], ''],
    ];
    for (const [filters, expected] of cases) {
      expect([filters, await names(database, { filters })]).toEqual([filters, expected]);
    }
  });

  it('refuse more filters than SQLite can evaluate', async () => {
    const database = await openWith([]);
    const filters = (count: number): readonly ImageFilter[] =>
      Array.from({ length: count }, (_, index) => ({ kind: 'tag', tag: String(index) }));
    expect(await database.read.images(aQuery({ filters: filters(200) }))).toEqual([]);
    await expect(database.read.images(aQuery({ filters: filters(201) }))).rejects.toMatchObject({
      class: 'invalid_input',
      code: 'TOO_MANY_FILTERS',
    });
  });

  it('come page by page in one total order, by every key, with equal and absent values', async () => {
    const cycle = <T>(values: readonly [T, ...T[]], index: number): T =>
      values[index % values.length] ?? values[0];
    const images = Array.from({ length: 200 }, (_, index) =>
      anImage({
        name: cycle(['a', 'B', null, 'ä'], index),
        status: cycle(['active', 'queued'], index),
        diskFormat: cycle(['raw', null, 'qcow2'], index),
        containerFormat: cycle([null, 'bare', 'ova'], index),
        size: cycle([null, 0, 5, 2 ** 40], index),
        createdAt: new Date(cycle([1, 2, 3], index)),
        updatedAt: new Date(cycle([9, 8], index)),
      }),
    );
    const database = await openWith(images);
    const orders: ImageQuery['sort'][] = [
      [],
      ...SORT_KEYS.flatMap((key) =>
        (['asc', 'desc'] as const).map((direction) => [{ key, direction }]),
      ),
      [
        { key: 'name', direction: 'desc' },
        { key: 'size', direction: 'asc' },
        { key: 'created_at', direction: 'desc' },
      ],
      [
        { key: 'size', direction: 'asc' },
        { key: 'size', direction: 'desc' },
        { key: 'id', direction: 'desc' },
        { key: 'name', direction: 'asc' },
      ],
    ];
    for (const sort of orders) {
      const whole = await database.read.images(aQuery({ sort }));
      const paged: Image[] = [];
      for (;;) {
        const page = await database.read.images(
          aQuery({ sort, marker: paged.at(-1)?.id, limit: 23 }),
        );
        paged.push(...page);
        if (page.length < 23) break;
      }
      expect(new Set(paged.map(({ id }) => id)).size).toBe(200);
      expect(paged.map(({ id }) => id)).toEqual(whole.map(({ id }) => id));
    }
  });

  it('of equal keys come by age, the way of a single key and else the newest first', async () => {
    const at = (ms: number): Partial<Image> => ({ createdAt: new Date(ms) });
    const database = await openWith([
      anImage({ name: 'a', size: 1, ...at(2), tags: ['a2'] }),
      anImage({ name: 'a', size: 1, ...at(1), tags: ['a1'] }),
      anImage({ name: 'b', size: 1, ...at(3), tags: ['b3'] }),
    ]);
    const tags = async (sort: ImageQuery['sort']): Promise<string> =>
      (await database.read.images(aQuery({ sort }))).flatMap((image) => image.tags).join(' ');
    expect(await tags([{ key: 'name', direction: 'asc' }])).toBe('a1 a2 b3');
    expect(await tags([{ key: 'name', direction: 'desc' }])).toBe('b3 a2 a1');
    const two = [
      { key: 'size', direction: 'asc' } as const,
      { key: 'name', direction: 'asc' } as const,
    ];
    expect(await tags(two)).toBe('a2 a1 b3');
  });

  it('are the same whatever finds them: an index, the order, or the caller', async () => {
    const database = await openWith(
      Array.from({ length: 2_400 }, (_, index) =>
        anImage({
          name: `n${index % 3}`,
          size: index % 50,
          status: index % 600 === 1 ? 'queued' : 'active',
          owner: index % 2 === 0 ? 'mine' : 'other',
          visibility: index % 400 === 3 ? 'public' : 'private',
          createdAt: new Date(index),
          tags: index % 800 === 7 ? ['rare', 'all'] : ['all'],
        }),
      ),
    );
    const all = await database.read.images(aQuery({ limit: 3_000 }));
    const isSeen = ({ owner, visibility }: Image): boolean =>
      owner === 'mine' || visibility === 'public';
    const cases: readonly [ImageFilter, (image: Image) => boolean][] = [
      [{ kind: 'tag', tag: 'rare' }, ({ tags }) => tags.includes('rare')],
      [{ kind: 'tag', tag: 'all' }, () => true],
      [{ kind: 'in', name: 'status', values: ['queued'] }, ({ status }) => status === 'queued'],
      [{ kind: 'in', name: 'name', values: ['n1'] }, ({ name }) => name === 'n1'],
    ];
    for (const key of ['created_at', 'name', 'size'] as const) {
      for (const isAdmin of [true, false]) {
        for (const [filter, fulfils] of cases) {
          const parts = { isAdmin, filters: [filter], sort: [{ key, direction: 'desc' } as const] };
          const ids = [];
          for (;;) {
            const marker: string | undefined = ids.at(-1);
            const page = await database.read.images(aQuery({ ...parts, marker, limit: 700 }));
            ids.push(...page.map(({ id }) => id));
            if (page.length < 700) break;
          }
          const wanted = all.filter((image) => fulfils(image) && (isAdmin || isSeen(image)));
          expect([...ids].sort()).toEqual(wanted.map(({ id }) => id).sort());
        }
      }
    }
  });

  it('go on behind a marker that does not fulfil the filters any more', async () => {
    const image = anImage({ name: 'b', status: 'active' });
    const database = await openWith([
      anImage({ name: 'a', status: 'active' }),
      image,
      anImage({ name: 'c', status: 'active' }),
    ]);
    const marker = image.id;
    await database.write((tx) =>
      tx.updateImage(marker, { status: ['active'] }, { status: 'deactivated' }, new Date()),
    );
    const filters: ImageFilter[] = [{ kind: 'in', name: 'status', values: ['active'] }];
    expect(await names(database, { filters, marker })).toBe('c');
  });

  it('refuse a marker that is unknown, deleted or not for the caller to see', async () => {
    const hidden = anImage({ owner: 'other', visibility: 'private' });
    const deleted = anImage({ owner: 'mine', status: 'deleted' });
    const database = await openWith([hidden, deleted]);
    for (const marker of ['unknown', hidden.id, deleted.id]) {
      await expect(database.read.images(aQuery({ isAdmin: false, marker }))).rejects.toMatchObject({
        class: 'invalid_input',
        code: 'MARKER_NOT_FOUND',
      });
    }
  });

  it(
    'are listed quickly: 1,000 of 1,500 with properties and tags',
    { timeout: 60_000 },
    async () => {
      const database = await openWith(
        Array.from({ length: 1_500 }, (_, index) =>
          anImage({
            name: `image ${index}`,
            createdAt: new Date(index),
            tags: ['a', 'b'],
            properties: { os: 'linux', number: String(index), arch: 'x86_64' },
          }),
        ),
      );
      const sort = [{ key: 'created_at', direction: 'desc' }] as const;
      const started = performance.now();
      const page = await database.read.images(aQuery({ sort }));
      const elapsed = performance.now() - started;
      const next = await database.read.images(aQuery({ sort, marker: page.at(-1)?.id }));
      expect(page).toHaveLength(1_000);
      expect(next.map(({ name }) => name)[0]).toBe('image 499');
      expect(next).toHaveLength(500);
      // Some 40 ms on an idle machine; one query for each image would take far longer.
      expect(elapsed).toBeLessThan(1_000);
    },
  );
});
