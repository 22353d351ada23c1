import { describe, expect, it } from 'vitest';
import type { DataView, Image, TaskContext } from '../../core/api.js';
import { anImage } from '../../core/plugin/testing/index.js';
import { VirtualSizeTask } from './virtual-size-task.js';

function contextOf(
  image: Partial<Image>,
  size: number,
  format: string,
  virtual?: number,
): TaskContext {
  const inspection = {
    ...{ format, size, safe: true, findings: [], metadata: {} },
    ...(virtual === undefined ? {} : { virtualSize: virtual }),
  };
  const data: DataView = { generation: 0, size, allocatedSize: size, digests: {}, inspection };
  return { image: anImage(image), data } as unknown as TaskContext;
}

describe('virtual-size', () => {
  it.each([
    ['a raw disk, in whole sectors', { diskFormat: 'raw' }, 1000, 'raw', 1024, 1024],
    ['a qcow2', { diskFormat: 'qcow2' }, 200_000, 'qcow2', 2 ** 30, 2 ** 30],
    ['an encrypted raw disk', { diskFormat: 'raw' }, 4096, 'luks', 2048, 4096],
    ['a kernel', { diskFormat: 'aki' }, 700, 'gz', undefined, 1024],
    ['an ISO', { diskFormat: 'iso' }, 2048, 'iso', 2048, 2048],
    ['a disk in an OVF', { diskFormat: 'vmdk', containerFormat: 'ovf' }, 900, 'vmdk', 512, 512],
  ] as const)('tells %s', async (_, image, size, format, told, expected) => {
    const task = new VirtualSizeTask();
    const context = contextOf(image, size, format, told);
    expect(task.skipReason(context)).toBeUndefined();
    expect((await task.execute(context)).virtualSize).toBe(expected);
  });

  it.each([
    ['an appliance', { diskFormat: 'vmdk', containerFormat: 'ova' }, 900, 'tar', undefined],
    [
      'a compressed image',
      { diskFormat: 'qcow2', containerFormat: 'compressed' },
      9,
      'gz',
      undefined,
    ],
    ['an empty image', { diskFormat: 'qcow2' }, 0, 'raw', 0],
    ['an unknown format', { diskFormat: 'ploop' }, 9, 'ploop', undefined],
  ] as const)('skips %s', (_, image, size, format, told) => {
    expect(new VirtualSizeTask().skipReason(contextOf(image, size, format, told))).toBeTruthy();
  });

  it('skips where there are no bytes', () => {
    const context = { ...contextOf({}, 0, 'raw'), data: undefined } as unknown as TaskContext;
    expect(new VirtualSizeTask().skipReason(context)).toBe('The import holds no bytes');
  });
});
