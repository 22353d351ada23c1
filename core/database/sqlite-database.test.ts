import { setImmediate as turn } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { openOutsider, openTestDatabase } from '../../test/support/database.js';
import { aGeneration, anImage, anImport, aReservation } from '../../test/support/records.js';
import type { Transaction } from '../engine/ports.js';

describe('SqliteDatabase.write', () => {
  it('loses no row when transactions overlap and one of them fails', async () => {
    const { database } = await openTestDatabase();
    const images = Array.from({ length: 20 }, () => anImage());
    const writes = images.map((image, index) =>
      database.write(async (tx) => {
        await tx.insertImage(image);
        await turn();
        if (index % 3 === 0) throw new Error('undo this one');
      }),
    );
    const results = await Promise.allSettled(writes);
    for (const [index, image] of images.entries()) {
      const failed = index % 3 === 0;
      expect(results[index]?.status).toBe(failed ? 'rejected' : 'fulfilled');
      expect(await database.read.image(image.id)).toEqual(failed ? undefined : image);
    }
  });

  it('rolls everything back and throws what the work has thrown', async () => {
    const { database } = await openTestDatabase();
    const image = anImage({ tags: ['a'], properties: { a: '1' } });
    const reason = new Error('no');
    const failed = database.write(async (tx) => {
      await tx.insertImage(image);
      await tx.insertImport(anImport(image.id), []);
      throw reason;
    });
    await expect(failed).rejects.toBe(reason);
    expect(await database.read.imageIdTaken(image.id)).toBe(false);
    expect(await database.read.imports({})).toEqual([]);
  });

  it('shows its changes inside at once, outside after the commit, all of them together', async () => {
    const { database } = await openTestDatabase();
    const image = anImage();
    await database.write(async (tx) => {
      await tx.insertImage(image);
      expect(await tx.image(image.id)).toEqual(image);
      expect(await database.read.image(image.id)).toBeUndefined();
    });
    expect(await database.read.image(image.id)).toEqual(image);
  });

  it('never shows an image half changed', async () => {
    const { database } = await openTestDatabase();
    const image = anImage({ name: '0', properties: { name: '0' }, tags: ['0'] });
    await database.write((tx) => tx.insertImage(image));
    const rounds = Array.from({ length: 30 }, (_, index) => String(index + 1));
    const writes = rounds.map((name) =>
      database.write((tx) =>
        tx.updateImage(
          image.id,
          { status: ['queued'] },
          { name, properties: { name }, tags: [name] },
          new Date(),
        ),
      ),
    );
    const seen = new Set<string | null | undefined>();
    while (!seen.has('30')) {
      const shown = await database.read.image(image.id);
      expect(shown?.properties).toEqual({ name: shown?.name });
      expect(shown?.tags).toEqual([shown?.name]);
      seen.add(shown?.name);
    }
    await Promise.all(writes);
    expect(seen.size).toBeGreaterThan(1);
  });

  it('ends a write that waits for a write inside it, and nothing of it stays', async () => {
    const { database } = await openTestDatabase({ idleTimeoutMs: 50 });
    const image = anImage();
    const nested = database.write(async (tx) => {
      await tx.insertImage(image);
      await database.write(() => Promise.resolve());
    });
    await expect(nested).rejects.toMatchObject({ class: 'bug', code: 'TRANSACTION_STUCK' });
    await expect(database.write(() => Promise.resolve('goes on'))).resolves.toBe('goes on');
    expect(await database.read.image(image.id)).toBeUndefined();
  });

  it('does not take for stuck what waits for another program to let go of the file', async () => {
    const { database, path } = await openTestDatabase({ idleTimeoutMs: 20 });
    const image = anImage();
    const outsider = await openOutsider(path);
    await outsider.all('BEGIN IMMEDIATE');
    const waiting = database.write((tx) => tx.insertImage(image));
    // Several times as long as a transaction may do nothing.
    for (const end = performance.now() + 200; performance.now() < end;) {
      expect(await database.read.image(image.id)).toBeUndefined();
    }
    await outsider.all('ROLLBACK');
    await waiting;
    expect(await database.read.image(image.id)).toEqual(image);
  });

  it('lets work that was begun inside write after the end', async () => {
    const { database } = await openTestDatabase();
    const image = anImage();
    let background: Promise<void> | undefined;
    let go: () => void = () => undefined;
    const gate = new Promise<void>((resolve) => {
      go = resolve;
    });
    await database.write(() => {
      background = gate.then(() => database.write((tx) => tx.insertImage(image)));
      return Promise.resolve();
    });
    go();
    await background;
    expect(await database.read.image(image.id)).toEqual(image);
  });

  it('undoes work that ends before its statements', async () => {
    const { database } = await openTestDatabase();
    const image = anImage();
    let statement: Promise<void> | undefined;
    const hasty = database.write((tx) => {
      statement = tx.insertImage(image);
      return Promise.resolve();
    });
    await expect(hasty).rejects.toMatchObject({ class: 'bug', code: 'STATEMENT_NOT_AWAITED' });
    await statement;
    expect(await database.read.imageIdTaken(image.id)).toBe(false);
  });

  it('writes nothing for statements that outlive a failure beside them', async () => {
    const { database } = await openTestDatabase();
    const images = Array.from({ length: 5 }, () => anImage());
    const failed = database.write((tx) =>
      Promise.all([
        Promise.reject(new Error('at once')),
        ...images.map((image) => tx.insertImage(image)),
      ]),
    );
    await expect(failed).rejects.toThrow('at once');
    for (const { id } of images) expect(await database.read.imageIdTaken(id)).toBe(false);
  });

  it('refuses the use of a transaction that has ended', async () => {
    const { database } = await openTestDatabase();
    let kept: Transaction | undefined;
    await database.write((tx) => {
      kept = tx;
      return Promise.resolve();
    });
    await expect(kept?.insertImage(anImage())).rejects.toMatchObject({ code: 'DATABASE_CLOSED' });
  });

  it('goes on after a broken constraint that the work has caught', async () => {
    const { database } = await openTestDatabase();
    const [first, second] = [anImage(), anImage()];
    await database.write(async (tx) => {
      await tx.insertImage(first);
      await expect(tx.insertImage(first)).rejects.toMatchObject({ code: 'IMAGE_EXISTS' });
      await tx.insertImage(second);
    });
    expect(await database.read.image(first.id)).toEqual(first);
    expect(await database.read.image(second.id)).toEqual(second);
  });

  it('takes rows in any order, but not a reference to a row that is not there at the end', async () => {
    const { database } = await openTestDatabase();
    const image = anImage();
    const record = anImport(image.id);
    const generation = aGeneration(image.id, { importId: record.id });
    const reservation = aReservation(image.id, {
      importId: record.id,
      generationId: generation.id,
    });
    await database.write(async (tx) => {
      await tx.insertReservation(reservation);
      await tx.insertGeneration(generation);
      await tx.insertImport(record, []);
      await tx.insertImage(image);
    });
    expect(await database.read.reservations()).toEqual([reservation]);
    const dangling = database.write((tx) => tx.insertGeneration(aGeneration('nobody')));
    await expect(dangling).rejects.toMatchObject({
      code: 'CONSTRAINT_VIOLATED',
      message: expect.stringContaining('"table":"generations"') as string,
    });
    expect(await database.read.generations({})).toEqual([generation]);
  });

  it('says when another program holds the file, and works when it lets go', async () => {
    const { database, path } = await openTestDatabase({ busyTimeoutMs: 20 });
    const outsider = await openOutsider(path);
    await outsider.all('BEGIN IMMEDIATE');
    const image = anImage();
    const busy = database.write((tx) => tx.insertImage(image));
    await expect(busy).rejects.toMatchObject({ class: 'transient', code: 'DATABASE_BUSY' });
    await outsider.all('ROLLBACK');
    await database.write((tx) => tx.insertImage(image));
    expect(await database.read.image(image.id)).toEqual(image);
  });
});

describe('SqliteDatabase.close', () => {
  it('waits for what is under way', async () => {
    const { database, path } = await openTestDatabase();
    const image = anImage();
    const write = database.write((tx) => tx.insertImage(image));
    const read = database.read.image(image.id);
    await database.close();
    await write;
    await read;
    const rows = await (await openOutsider(path)).all('SELECT "id" FROM "images"');
    expect(rows).toEqual([{ id: image.id }]);
  });

  it('ends reads and writes, and may be repeated', async () => {
    const { database } = await openTestDatabase();
    await Promise.all([database.close(), database.close()]);
    await expect(database.read.image('x')).rejects.toMatchObject({ code: 'DATABASE_CLOSED' });
    await expect(database.write(() => Promise.resolve())).rejects.toMatchObject({
      code: 'DATABASE_CLOSED',
    });
  });
});
