import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { openOutsider, testDirectory } from '../../test/support/database.js';
import type { Outsider } from '../../test/support/database.js';
import { driverFailure, translateError } from './translate-error.js';

async function openPlain(): Promise<Outsider> {
  return openOutsider(path.join(await testDirectory(), 'plain.db'));
}

async function failureOf(promise: Promise<unknown>): Promise<unknown> {
  try {
    await promise;
  } catch (error) {
    return error;
  }
  throw new Error('It did not fail');
}

describe('translateError', () => {
  it('makes a full disk a lack of capacity', async () => {
    const file = await openPlain();
    await file.all('PRAGMA max_page_count = 2');
    await file.all('CREATE TABLE t (a)');
    const error = await failureOf(file.all(`INSERT INTO t VALUES (zeroblob(100000))`));
    expect(translateError(error)).toMatchObject({ class: 'capacity', code: 'DATABASE_FULL' });
    expect(driverFailure(error)).toMatchObject({ code: 'DATABASE_FULL' });
  });

  it('makes a file that cannot be written a broken database', async () => {
    const file = await openPlain();
    await file.all('PRAGMA query_only = ON');
    const error = await failureOf(file.all('CREATE TABLE t (a)'));
    expect(translateError(error)).toMatchObject({
      class: 'permanent',
      code: 'DATABASE_BROKEN',
      hint: expect.stringContaining('writable') as string,
    });
  });

  it('makes a statement that is wrong a bug', async () => {
    const file = await openPlain();
    const error = await failureOf(file.all('SELECT nonsense'));
    expect(translateError(error)).toMatchObject({ class: 'bug', code: 'STATEMENT_FAILED' });
  });

  it('makes a broken constraint a bug that leaves the transaction whole', async () => {
    const file = await openPlain();
    await file.all('CREATE TABLE t (a NOT NULL)');
    const error = await failureOf(file.all('INSERT INTO t VALUES (NULL)'));
    expect(translateError(error)).toMatchObject({ class: 'bug', code: 'CONSTRAINT_VIOLATED' });
    expect(driverFailure(error)).toBeUndefined();
  });

  it('leaves every other error as it is', () => {
    for (const error of [new Error('no'), Object.assign(new Error('x'), { code: 'ENOENT' }), 7]) {
      expect(translateError(error)).toBe(error);
      expect(driverFailure(error)).toBeUndefined();
    }
  });
});
