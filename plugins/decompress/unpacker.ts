import type { Readable } from 'node:stream';
import { PermanentError, RejectedError } from '../../core/api.js';
import type { Programs } from '../../core/api.js';
import { asPromised, ceilingOf, checkSize, damaged, within } from './ceiling.js';
import type { Ceiling } from './ceiling.js';
import { COMPRESSIONS, START_LENGTH, compressionOf } from './compressions.js';
import type { Compression, CompressionName } from './compressions.js';
import type { DecompressConfig } from './decompress-config.js';
import type { Packed } from './packed.js';
import { peek, toStream } from './streams.js';

const MIB = 2 ** 20;

/** Milliseconds that every program may take, and bytes per millisecond that a slow machine makes. */
const BASE_WALL_MS = 10 * 60_000;
const SLOWEST_BYTES_PER_MS = 4 * 1024;

export interface Unpacked {
  readonly bytes: Readable;
  /** Containers outermost first. */
  readonly layers: readonly string[];
}

/** Opens containers, one compression inside the other, without writing anything in between. */
export class Unpacker {
  constructor(
    private readonly config: DecompressConfig,
    private readonly programs: Programs,
  ) {}

  /**
   * @param packedSize bytes of the outermost container, which the ratio is counted from
   * @throws {RejectedError} `TOO_MANY_LAYERS`, also while the bytes are read; and as {@link within}
   */
  async open(packed: Packed, packedSize: number, signal: AbortSignal): Promise<Unpacked> {
    const ceiling = ceilingOf(this.config, packedSize);
    if (packed.size !== undefined) checkSize(packed.size, ceiling);
    const layers = [...packed.layers];
    const outermost = packed.open();
    const whole =
      packed.compression === undefined
        ? outermost
        : this.#filter(packed.compression, outermost, ceiling, signal);
    let bytes = toStream(asPromised(whole as AsyncIterable<Buffer>, packed));
    for (let depth = packed.compression === undefined ? 0 : 1; ; depth += 1) {
      const { start, all } = await peek(bytes, START_LENGTH);
      const inner = compressionOf(start);
      if (inner === undefined) return { bytes: toStream(within(all, ceiling)), layers };
      layers.push(inner);
      if (depth === this.config.max_layers) {
        all.destroy();
        throw tooDeep(layers, this.config.max_layers);
      }
      bytes = this.#filter(inner, all, ceiling, signal);
    }
  }

  #filter(name: CompressionName, input: Readable, ceiling: Ceiling, signal: AbortSignal): Readable {
    const { program, args }: Compression = COMPRESSIONS[name];
    const { memory } = this.config;
    const output = this.programs.filter({
      program,
      args: args(memory),
      input,
      signal,
      limits: {
        wallMs: BASE_WALL_MS + Math.ceil(ceiling.bytes / SLOWEST_BYTES_PER_MS),
        addressSpace: Math.max(memory, 64 * MIB),
      },
    });
    return toStream(translated(name, output as AsyncIterable<Buffer>));
  }
}

/** A decompressor that ends with an error of its own has met bytes that it cannot unpack. */
async function* translated(name: string, output: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  try {
    yield* output;
  } catch (error) {
    if (!(error instanceof PermanentError) || error.code !== 'PROGRAM_FAILED') throw error;
    if ('signal' in error.details) throw error;
    const { stderr } = error.details;
    const lines = typeof stderr === 'string' ? stderr.split('\n') : [];
    const said = lines.map((line) => line.trim()).find((line) => line !== '') ?? 'nothing';
    throw damaged(`the program for "${name}" says "${said}"`, error);
  }
}

function tooDeep(layers: readonly string[], limit: number): RejectedError {
  return new RejectedError({
    code: 'TOO_MANY_LAYERS',
    message: `The image is packed in more than ${limit} compressions: "${layers.join('>')}"`,
    hint: 'Unpack it and send the disk image, or ask the operator to raise "max_layers" of decompress',
    details: { layers: [...layers], limit },
  });
}
