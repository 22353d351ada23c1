import path from 'node:path';
import { onTestFinished, describe, expect, it } from 'vitest';
import { openOutsider, testDirectory } from '../../test/support/database.js';
import { DRIVER } from './driver.js';

interface Connection {
  all(sql: string, ...values: unknown[]): Promise<readonly unknown[]>;
  run(sql: string, ...values: unknown[]): Promise<number>;
  close(): Promise<void>;
}

async function connect(file: string): Promise<Connection> {
  const { promise, settle } = settled<undefined>();
  const database = new DRIVER.Database(file, settle);
  await promise;
  const connection: Connection = {
    all: (sql, ...values) => {
      const answer = settled<readonly unknown[]>();
      database.all(sql, values, answer.settle);
      return answer.promise;
    },
    run: (sql, ...values) => {
      const answer = settled<number>();
      database.run(sql, values, function (this: { changes: number }, error: Error | null) {
        answer.settle(error, this.changes);
      });
      return answer.promise;
    },
    close: () => {
      const answer = settled<undefined>();
      database.close(answer.settle);
      return answer.promise;
    },
  };
  await connection.run('PRAGMA journal_mode = WAL');
  await connection.run(
    'CREATE TABLE IF NOT EXISTS "things" ("id" INTEGER PRIMARY KEY, "name" TEXT UNIQUE)',
  );
  return connection;
}

function settled<T>(): {
  readonly promise: Promise<T>;
  readonly settle: (error: Error | null, value?: T) => void;
} {
  let settle: (error: Error | null, value?: T) => void = () => undefined;
  const promise = new Promise<T>((resolve, reject) => {
    settle = (error, value) => {
      if (error === null) resolve(value as T);
      else reject(error);
    };
  });
  return { promise, settle };
}

async function open(): Promise<{ readonly connection: Connection; readonly file: string }> {
  const file = path.join(await testDirectory(), 'things.db');
  const connection = await connect(file);
  onTestFinished(() => connection.close().catch(() => undefined));
  return { connection, file };
}

const INSERT = 'INSERT INTO "things" ("name") VALUES (?)';
const SELECT = 'SELECT "name" FROM "things" ORDER BY "id"';

describe('a statement that is kept', () => {
  it('works again after it has failed', async () => {
    const { connection } = await open();
    expect(await connection.run(INSERT, 'a')).toBe(1);
    await expect(connection.run(INSERT, 'a')).rejects.toThrow('UNIQUE constraint failed');
    expect(await connection.run(INSERT, 'b')).toBe(1);
    expect(await connection.all(SELECT)).toEqual([{ name: 'a' }, { name: 'b' }]);
  });

  it('says each time what is wrong with it, and works when that is mended', async () => {
    const { connection } = await open();
    for (let time = 0; time < 3; time += 1) {
      await expect(connection.all('SELECT * FROM "others"')).rejects.toThrow('no such table');
    }
    await connection.run('CREATE TABLE "others" ("id" INTEGER)');
    expect(await connection.all('SELECT * FROM "others"')).toEqual([]);
  });

  it('follows a change of the schema', async () => {
    const { connection } = await open();
    await connection.run(INSERT, 'a');
    expect(await connection.all('SELECT * FROM "things"')).toEqual([{ id: 1, name: 'a' }]);
    await connection.run('ALTER TABLE "things" ADD COLUMN "size" INTEGER');
    expect(await connection.all('SELECT * FROM "things"')).toEqual([
      { id: 1, name: 'a', size: null },
    ]);
  });

  it('holds no snapshot: others write, it sees what they wrote, and the log can be emptied', async () => {
    const { connection, file } = await open();
    const other = await connect(file);
    onTestFinished(() => other.close());
    expect(await connection.all(SELECT)).toEqual([]);
    await other.run(INSERT, 'theirs');
    expect(await connection.all(SELECT)).toEqual([{ name: 'theirs' }]);
    const outsider = await openOutsider(file);
    const [checkpoint] = await outsider.all('PRAGMA wal_checkpoint(TRUNCATE)');
    expect(checkpoint).toMatchObject({ busy: 0, log: 0 });
  });
});

describe('a connection', () => {
  it('runs more different statements than it keeps, and closes', async () => {
    const { connection, file } = await open();
    await connection.run(INSERT, 'a');
    for (let round = 0; round < 2; round += 1) {
      for (let index = 0; index < 400; index += 1) {
        const [row] = await connection.all(`SELECT ${index} + "id" AS "sum" FROM "things"`);
        expect(row).toEqual({ sum: index + 1 });
      }
    }
    await connection.close();
    // The last connection that closes takes the write-ahead log away.
    const outsider = await openOutsider(file);
    expect(await outsider.all(SELECT)).toEqual([{ name: 'a' }]);
  });

  it('binds numbers that need more than 32 bits without loss', async () => {
    const { connection } = await open();
    const id = Number.MAX_SAFE_INTEGER;
    await connection.run('INSERT INTO "things" ("id", "name") VALUES (?, ?)', id, 'far');
    expect(await connection.all('SELECT "id" FROM "things" WHERE "id" >= ?', id)).toEqual([{ id }]);
    expect(await connection.all('SELECT "id" FROM "things" WHERE "id" > ?', id)).toEqual([]);
  });
});
