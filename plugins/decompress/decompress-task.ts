import type { Readable } from 'node:stream';
import { assertReplaceable, signatureAsProvenance } from '../../core/api.js';
import type {
  DataView,
  ImagePatch,
  ImportTask,
  Programs,
  TaskContext,
  TaskResult,
  TaskView,
} from '../../core/api.js';
import { isCompression } from './compressions.js';
import type { DecompressConfig } from './decompress-config.js';
import { ovfProperties } from './ovf-properties.js';
import { packedDisk } from './packed.js';
import { PACKED_PROPERTY_PREFIX, packedAs } from './provenance.js';
import { Unpacker } from './unpacker.js';
import type { Unpacked } from './unpacker.js';

/** What consumers load as it is: kernels and ramdisks are compressed files. */
const LOADED_AS_IS: ReadonlySet<string> = new Set(['aki', 'ari', 'ami']);

/** Replaces a container by the disk that it holds, which the engine inspects like any other bytes. */
export class DecompressTask implements ImportTask {
  readonly #unpacker: Unpacker;

  constructor(
    private readonly config: DecompressConfig,
    programs: Programs,
  ) {
    this.#unpacker = new Unpacker(config, programs);
  }

  skipReason({ data, image }: TaskView): string | undefined {
    if (data === undefined) return 'The import holds no bytes';
    const { format, metadata } = data.inspection;
    if (!isCompression(format) && format !== 'zip' && format !== 'ova') {
      return `The data is "${format}", which is not unpacked`;
    }
    const { containerFormat, diskFormat } = image;
    for (const declared of [diskFormat, containerFormat]) {
      if (declared !== null && LOADED_AS_IS.has(declared))
        return `Images of "${declared}" stay as they are`;
    }
    if (this.config.keep.some((kept) => kept === containerFormat)) {
      return `Images of container_format "${containerFormat ?? ''}" stay as they are`;
    }
    if (format === 'ova' && metadata['disk_offset'] === undefined) {
      return 'The OVA does not have exactly one disk';
    }
    return undefined;
  }

  async execute(context: TaskContext): Promise<TaskResult> {
    const { data, image, signal } = context;
    if (data === undefined) return {};
    signal.throwIfAborted();
    assertReplaceable(image, this.config.signed);
    const packed = packedDisk(context, data.inspection);
    let unpacked: Unpacked | undefined;
    const open = async (): Promise<Readable> => {
      unpacked = await this.#unpacker.open(packed, data.size, signal);
      return unpacked.bytes;
    };
    try {
      const made = await context.stage({
        kind: 'stream',
        // What a container says of it need not be true, nor be said of the innermost bytes.
        size: undefined,
        sparse: true,
        validator: undefined,
        resumable: false,
        open,
      });
      return this.#result(context, data, made, unpacked?.layers ?? packed.layers);
    } finally {
      unpacked?.bytes.destroy();
    }
  }

  #result(
    { image }: TaskContext,
    data: DataView,
    made: DataView | undefined,
    layers: readonly string[],
  ): TaskResult {
    const { format } = made?.inspection ?? {};
    const draft: ImagePatch = {
      // A package inside a compressed file is one still.
      containerFormat: format === 'ova' ? image.containerFormat : 'bare',
      properties: {
        ...packedAs(data, layers),
        ...signatureAsProvenance(image, PACKED_PROPERTY_PREFIX),
        ...(this.config.ovf_properties ? ovfProperties(data.inspection, image) : {}),
      },
    };
    return {
      draft,
      output: {
        layers: [...layers],
        format,
        size_before: data.size,
        size_after: made?.size,
        allocated_after: made?.allocatedSize,
      },
    };
  }
}
