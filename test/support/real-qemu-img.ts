import type { QemuImg } from '../../core/api.js';
import { createPrograms } from '../../core/process/programs.js';
import { createQemuImg } from '../../core/process/qemu-img.js';

const GIB = 2 ** 30;

/** The server's own `QemuImg`, with limits only: where it runs is not what these tests prove. */
export function realQemuImg(): QemuImg {
  const config = { confinement: 'limits', addressSpace: 2 * GIB, niceness: 0 } as const;
  return createQemuImg(
    createPrograms(config, () => undefined),
    config,
  );
}
