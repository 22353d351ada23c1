/**
 * Measures what a large catalogue costs: the same requests over 10³ … 10⁶ images, a tenth of them with a
 * finished import, its tasks and its events. Each figure is a median, and its ratio to the smallest
 * catalogue.
 *
 *     npm run bench:growth -- [largest number of images]
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import sqlite3 from 'sqlite3';
import { ApiClient } from '../support/api-client.js';
import { randomFile } from '../support/images.js';
import { startServer } from '../support/server.js';
import { median } from './report.js';

const LARGEST = Number(process.argv[2] ?? 1_000_000);
const SIZES = [1_000, 10_000, 100_000, 1_000_000].filter((size) => size <= LARGEST);
/** Images for one that has an import. */
const PER_IMPORT = 10;
const REPEATS = 60;
/** A figure that has grown by more is told. */
const FLAT = 1.5;
/** Milliseconds of a figure that is too small for a ratio to say anything. */
const NOISE = 2;

/** Columns of the copied tables that are new in each copy; all others are the template's. */
const COPIES: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  images: {
    id: 'new.image',
    name: `'image-' || new.n`,
    created_at: 'images.created_at - new.n',
    updated_at: 'images.updated_at - new.n',
  },
  image_properties: { image_id: 'new.image', value: `'value-' || new.n` },
  locations: {
    id: `new.image || '.default'`,
    image_id: 'new.image',
    import_id: 'NULL',
    object_name: `new.image || '/object'`,
    url: `'file:///' || new.image`,
    linked_generation: 'NULL',
  },
  imports: {
    id: 'new.import',
    image_id: 'new.image',
    created_at: 'imports.created_at - new.n',
    finished_at: 'imports.finished_at',
  },
  tasks: { import_id: 'new.import' },
  import_events: { import_id: 'new.import' },
};

const OF_IMPORTS: ReadonlySet<string> = new Set(['imports', 'tasks', 'import_events']);

class Sqlite {
  constructor(private readonly database: sqlite3.Database) {}

  static open(file: string): Promise<Sqlite> {
    return new Promise((resolve, reject) => {
      const database = new sqlite3.Database(file, (error) => {
        if (error === null) resolve(new Sqlite(database));
        else reject(error);
      });
    });
  }

  all<Row>(sql: string): Promise<readonly Row[]> {
    return new Promise((resolve, reject) => {
      this.database.all<Row>(sql, (error, rows) => {
        if (error === null) resolve(rows);
        else reject(error);
      });
    });
  }

  close(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.database.close((error) => {
        if (error === null) resolve();
        else reject(error);
      });
    });
  }
}

/** Copies the template image, and its import, to the numbers from `from` to below `to`. */
async function multiply(file: string, template: string, from: number, to: number): Promise<void> {
  const sqlite = await Sqlite.open(file);
  await sqlite.all('PRAGMA foreign_keys = OFF');
  await sqlite.all('PRAGMA synchronous = OFF');
  await sqlite.all('BEGIN');
  await sqlite.all(`CREATE TEMP TABLE new AS
    WITH RECURSIVE numbers(n) AS (SELECT ${from} UNION ALL SELECT n + 1 FROM numbers WHERE n + 1 < ${to})
    SELECT n, printf('%08x-0000-4000-8000-%012x', n * 2654435761 % 4294967296, n) AS image,
      printf('%08x-1111-4111-8111-%012x', n * 2654435761 % 4294967296, n) AS import FROM numbers`);
  const [origin] = await sqlite.all<{ id: string }>(
    `SELECT id FROM imports WHERE image_id = '${template}'`,
  );
  for (const [table, changes] of Object.entries(COPIES)) {
    const columns = (await sqlite.all<{ name: string }>(`PRAGMA table_info("${table}")`)).map(
      ({ name }) => name,
    );
    const values = columns.map((name) => changes[name] ?? `"${table}"."${name}"`);
    const key = table === 'imports' || table === 'images' ? 'id' : undefined;
    const [column, id] = OF_IMPORTS.has(table)
      ? [key ?? 'import_id', origin?.id ?? '']
      : [key ?? 'image_id', template];
    const which = OF_IMPORTS.has(table) ? `AND new.n % ${PER_IMPORT} = 0` : '';
    const names = columns.map((name) => `"${name}"`).join(', ');
    await sqlite.all(
      `INSERT INTO "${table}" (${names}) SELECT ${values.join(', ')} FROM "${table}", temp.new
       WHERE "${table}"."${column}" = '${id}' ${which}`,
    );
  }
  await sqlite.all('COMMIT');
  await sqlite.close();
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const began = performance.now();
  await work();
  return performance.now() - began;
}

async function medianOf(work: (index: number) => Promise<unknown>): Promise<number> {
  const times: number[] = [];
  for (let index = 0; index < REPEATS; index += 1) times.push(await timed(() => work(index)));
  return median(times);
}

async function must(
  client: ApiClient,
  target: string,
  headers: Record<string, string> = {},
): Promise<unknown> {
  const { status, text, body } = await client.call('GET', target, { headers });
  if (status !== 200) throw new Error(`GET ${target}: ${status} ${text}`);
  return body;
}

/** Milliseconds of each kind of request, over the catalogue as it is in `dataDir`. */
async function figures(
  dataDir: string,
  small: string,
  size: number,
): Promise<Readonly<Record<string, number>>> {
  const began = performance.now();
  const server = await startServer({ dataDir });
  const client = new ApiClient(server.url);
  await must(client, '/v2/images?limit=1');
  const start = performance.now() - began;
  const page = (await must(client, '/v2/images?limit=25')) as { images: { id: string }[] };
  const shown = page.images[10]?.id ?? '';
  const deep = `00000000-0000-4000-8000-${(size - 50).toString(16).padStart(12, '0')}`;
  const found = (await must(client, `/v2/images?name=image-${size - 50}`)) as {
    images: { id: string }[];
  };
  const marker = found.images[0]?.id ?? deep;
  const result = {
    'start to first answer': start,
    create: await medianOf(() => client.createImage()),
    show: await medianOf(() => must(client, `/v2/images/${shown}`)),
    'list, first page': await medianOf(() => must(client, '/v2/images?limit=25')),
    'list by name': await medianOf((n) => must(client, `/v2/images?limit=25&name=image-${n + 7}`)),
    'list by property': await medianOf((n) =>
      must(client, `/v2/images?limit=25&os_distro=value-${n + 7}`),
    ),
    'list by status, sorted by name': await medianOf(() =>
      must(client, '/v2/images?limit=25&status=active&sort=name:asc'),
    ),
    'list by rare status': await medianOf(() => must(client, '/v2/images?limit=25&status=queued')),
    'list, sorted by size': await medianOf(() =>
      must(client, '/v2/images?limit=25&sort=size:desc'),
    ),
    'list, deep page by marker': await medianOf(() =>
      must(client, `/v2/images?limit=25&marker=${marker}`),
    ),
    'list by name, deep page by marker': await medianOf(() =>
      must(client, `/v2/images?limit=25&sort=name:asc&marker=${marker}`),
    ),
    'import to active': await medianOf(async () => {
      const { id } = await client.createImage();
      await client.send(id, 'stage', small);
      await client.import(id, { method: { name: 'glance-direct' } });
      await client.finished(id);
    }),
  };
  await server.stop();
  return { ...result, ...(await memberFigures(dataDir)) };
}

/** Milliseconds of lists for a caller who is no admin: most of the images are not for this one. */
async function memberFigures(dataDir: string): Promise<Readonly<Record<string, number>>> {
  const config = path.join(dataDir, '..', 'headers.yaml');
  await writeFile(config, 'auth: { mode: headers }\n');
  const server = await startServer({ dataDir, config });
  const client = new ApiClient(server.url);
  const headers = { 'X-Project-Id': 'project', 'X-User-Id': 'user', 'X-Roles': 'member' };
  const list = (query: string): Promise<number> =>
    medianOf(() => must(client, `/v2/images?limit=25${query}`, headers));
  const result = {
    'list of a member': await list(''),
    'list of a member, sorted by name': await list('&sort=name:asc'),
    'list of a member, one name': await list('&name=image-7'),
    'list of a member, changed since': await list('&updated_at=gte:2020-01-01T00:00:00Z'),
  };
  await server.stop();
  return result;
}

const directory = await mkdtemp(path.join(tmpdir(), 'stowage-growth-'));
try {
  const dataDir = path.join(directory, 'data');
  const small = await randomFile(path.join(directory, 'small'), 4096);
  const server = await startServer({ dataDir });
  const client = new ApiClient(server.url);
  const { id } = await client.createImage({ os_distro: 'template' });
  await client.send(id, 'stage', small);
  await client.import(id, { method: { name: 'glance-direct' } });
  await client.finished(id);
  await server.stop();
  let smallest: Readonly<Record<string, number>> | undefined;
  let made = 0;
  for (const size of SIZES) {
    await multiply(path.join(dataDir, 'stowage.sqlite'), id, made, size);
    made = size;
    const now = await figures(dataDir, small, size);
    smallest ??= now;
    console.log(`\n${size} images, ${size / PER_IMPORT} imports`);
    for (const [name, ms] of Object.entries(now)) {
      const ratio = ms / (smallest[name] ?? NaN);
      const grown = ratio > FLAT && ms > NOISE ? `  more than ${FLAT} ×` : '';
      console.log(
        `  ${name.padEnd(34)} ${ms.toFixed(2).padStart(9)} ms ${ratio.toFixed(2)} ×${grown}`,
      );
      if (grown !== '') process.exitCode = 1;
    }
  }
} finally {
  await rm(directory, { recursive: true });
}
