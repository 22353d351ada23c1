import { open } from 'node:fs/promises';
import path from 'node:path';
import { expect, it, vi } from 'vitest';
import { tempDir } from '../../test/support/temp-dir.js';
import { EarlyFlush } from './early-flush.js';

const MIB = 1024 * 1024;

it('does not hide that an early flush has failed: the kernel says so once', async () => {
  await using dir = await tempDir();
  const file = await open(path.join(dir.path, 'file'), 'w');
  try {
    const flushes = vi.spyOn(file, 'datasync').mockRejectedValueOnce(new Error('EIO'));
    const flush = new EarlyFlush(file);
    flush.wrote(31 * MIB);
    expect(flushes).not.toHaveBeenCalled();
    flush.wrote(MIB);
    expect(flushes).toHaveBeenCalledOnce();
    await expect(flush.finish()).rejects.toThrow('EIO');
    expect(flushes).toHaveBeenCalledOnce();
  } finally {
    await file.close();
  }
});

it('flushes once more at the end, when the early one is over', async () => {
  await using dir = await tempDir();
  const file = await open(path.join(dir.path, 'file'), 'w');
  try {
    let underWay = 0;
    let most = 0;
    const flushes = vi.spyOn(file, 'datasync').mockImplementation(async () => {
      underWay += 1;
      most = Math.max(most, underWay);
      await Promise.resolve();
      underWay -= 1;
    });
    const flush = new EarlyFlush(file);
    for (let written = 0; written < 96; written += 32) flush.wrote(32 * MIB);
    await flush.finish();
    expect(flushes).toHaveBeenCalledTimes(2);
    expect(most).toBe(1);
  } finally {
    await file.close();
  }
});
