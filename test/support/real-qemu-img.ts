import type { Programs, QemuImg } from '../../core/api.js';
import { createPrograms } from '../../core/process/programs.js';
import { createQemuImg } from '../../core/process/qemu-img.js';

const GIB = 2 ** 30;

const CONFIG = { confinement: 'limits', addressSpace: 2 * GIB, niceness: 0 } as const;

/** The server's own `Programs`, with limits only: where they run is not what these tests prove. */
export function realPrograms(): Programs {
  return createPrograms(CONFIG, () => undefined);
}

/** The server's own `QemuImg` over {@link realPrograms}. */
export function realQemuImg(): QemuImg {
  return createQemuImg(realPrograms(), CONFIG);
}
