import type {
  DataView,
  Image,
  ImportTask,
  TaskContext,
  TaskResult,
  TaskView,
} from '../../core/api.js';

/** qemu-img counts disks in sectors: a last one that is cut counts as whole. */
const SECTOR = 512;

/** Envelopes in which the data is not the disk itself. */
const WRAPPED: ReadonlySet<string> = new Set(['ova', 'docker', 'compressed']);

/** Formats whose bytes a guest sees as they are. */
const PLAIN: ReadonlySet<string> = new Set(['raw', 'iso', 'ami', 'aki', 'ari']);

/** Publishes what the inspection knows; a raw disk has the size of its bytes. */
export class VirtualSizeTask implements ImportTask {
  skipReason({ data, image }: TaskView): string | undefined {
    if (data === undefined) return 'The import holds no bytes';
    if (image.containerFormat !== null && WRAPPED.has(image.containerFormat)) {
      return `The data is not the disk itself: container_format is ${image.containerFormat}`;
    }
    return virtualSize(data, image) === undefined
      ? `A virtual size is not known of ${data.inspection.format} data`
      : undefined;
  }

  execute({ data, image }: TaskContext): Promise<TaskResult> {
    const size = data === undefined ? undefined : virtualSize(data, image);
    return Promise.resolve(
      size === undefined ? {} : { virtualSize: size, output: { virtual_size: size } },
    );
  }
}

/** The declared format decides how consumers read the bytes; `introspect` judges whether it is true. */
function virtualSize({ inspection, size }: DataView, { diskFormat }: Image): number | undefined {
  if (size === 0) return undefined;
  if (diskFormat !== null && PLAIN.has(diskFormat)) return Math.ceil(size / SECTOR) * SECTOR;
  return inspection.virtualSize;
}
