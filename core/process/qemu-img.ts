import path from 'node:path';
import { BugError, PermanentError, RejectedError } from '../base/errors.js';
import type { ProgramsConfig } from '../config/config.js';
import { openDisk, SOCKET_OF_PROGRAM } from './served-disk.js';
import type {
  CheckJob,
  ConvertJob,
  GuestDisk,
  MeasureJob,
  OpenJob,
  ProgramLimits,
  Programs,
  QemuImg,
} from '../plugin/contract/services.js';
import { runCheck } from './qemu-check.js';
import { canCompress, optionArguments, sourceName, targetDriver } from './qemu-formats.js';

/** Milliseconds that every run may take, and bytes per millisecond that a slow disk manages. */
const BASE_WALL_MS = 5 * 60_000;
const SLOWEST_BYTES_PER_MS = 16 * 1024;

/**
 * What a full target may have beyond the guest's bytes: tables are at most 3.2 % (qcow2 with
 * clusters of 512 bytes and refcounts of 64 bits), the log and the last block of a VHDX 65 MiB.
 */
const OVERHEAD_FACTOR = 1.05;
const OVERHEAD_BYTES = 128 * 1024 * 1024;

/** Formats of the guest's bytes as they are: nothing in them can be damaged. */
const GUEST_BYTES = new Set(['raw', 'iso']);

/** `qemu-img measure` knows these targets; it refuses the others. */
const MEASURABLE = new Set(['raw', 'qcow2']);

/** `qemu-img` by way of {@link Programs}; `config` limits its memory. */
export function createQemuImg(
  programs: Programs,
  config: Pick<ProgramsConfig, 'addressSpace'>,
): QemuImg {
  return new ProgramQemuImg(programs, config.addressSpace);
}

class ProgramQemuImg implements QemuImg {
  readonly #programs: Programs;
  readonly #addressSpace: number;

  constructor(programs: Programs, addressSpace: number) {
    this.#programs = programs;
    this.#addressSpace = addressSpace;
  }

  async convert(job: ConvertJob): Promise<void> {
    const source = checkedSource(job);
    const driver = targetDriver(job.format);
    checkAbsolute(job.target);
    const options = optionArguments(driver, job.options);
    const virtualSize = job.virtualSize ?? virtualSizeOf(job);
    const isGrown = virtualSize !== virtualSizeOf(job);
    const limits = { ...this.#limits(job), fileSize: largestTarget(virtualSize) };
    if (isGrown) await this.#create(job, [...options, job.target, `${virtualSize}`], limits);
    const { onProgress } = job;
    await this.#programs.run({
      program: 'qemu-img',
      args: [
        'convert',
        ...(onProgress === undefined ? [] : ['-p']),
        ...(job.compress && canCompress(driver, job.options) ? ['-c'] : []),
        ...['-O', driver],
        // Only a target that exists can be larger than its source.
        ...(isGrown ? ['-n', '--target-is-zero'] : options),
        sourceName(source.path, source.inspection.format),
        job.target,
      ],
      readable: [source.path],
      writable: [path.dirname(job.target)],
      limits,
      signal: job.signal,
      ...(onProgress === undefined ? {} : { onOutput: progressReader(onProgress) }),
    });
  }

  async #create(job: ConvertJob, args: readonly string[], limits: ProgramLimits): Promise<void> {
    await this.#programs.run({
      program: 'qemu-img',
      args: ['create', '-q', '-f', targetDriver(job.format), ...args],
      readable: [],
      writable: [path.dirname(job.target)],
      limits,
      signal: job.signal,
    });
  }

  async open(job: OpenJob): Promise<GuestDisk> {
    const source = checkedSource(job);
    checkAbsolute(job.directory);
    return openDisk(this.#programs, {
      program: 'qemu-nbd',
      args: [
        ...['--read-only', `--socket=${SOCKET_OF_PROGRAM}`],
        sourceName(source.path, source.inspection.format),
      ],
      readable: [source.path],
      writable: [job.directory],
      workingDirectory: job.directory,
      limits: { ...this.#limits(job), fileSize: 0 },
      signal: job.signal,
    });
  }

  async check(job: CheckJob): Promise<void> {
    const { path: file, inspection } = checkedSource(job);
    if (GUEST_BYTES.has(inspection.format)) return;
    await runCheck(this.#programs, {
      program: 'qemu-img',
      args: ['check', '-q', sourceName(file, inspection.format)],
      readable: [file],
      writable: [],
      limits: { ...this.#limits(job), fileSize: 0 },
      signal: job.signal,
    });
  }

  async measure(
    job: MeasureJob,
  ): Promise<{ readonly required: number; readonly fullyAllocated: number }> {
    const { path: sourcePath, inspection } = checkedSource(job);
    const driver = targetDriver(job.format);
    if (!MEASURABLE.has(driver)) {
      // How much of a block is filled cannot be seen from outside, so that every block may be needed.
      const bound = largestTarget(virtualSizeOf(job));
      return { required: bound, fullyAllocated: bound };
    }
    const { stdout } = await this.#programs.run({
      program: 'qemu-img',
      args: [
        ...['measure', '--output=json', '-O', driver],
        ...optionArguments(driver, job.options),
        sourceName(sourcePath, inspection.format),
      ],
      readable: [sourcePath],
      writable: [],
      limits: { ...this.#limits(job), fileSize: 0 },
      signal: job.signal,
    });
    return parsedMeasure(stdout);
  }

  #limits({ source: { inspection } }: CheckJob): ProgramLimits {
    const bytes = Math.max(inspection.size, inspection.virtualSize ?? 0);
    return {
      wallMs: BASE_WALL_MS + Math.ceil(bytes / SLOWEST_BYTES_PER_MS),
      addressSpace: this.#addressSpace,
    };
  }
}

function virtualSizeOf({ source: { inspection } }: MeasureJob): number {
  return inspection.virtualSize ?? inspection.size;
}

/** Bytes that a target may have at most, whatever its format and options. */
function largestTarget(virtualSize: number): number {
  return Math.ceil(virtualSize * OVERHEAD_FACTOR) + OVERHEAD_BYTES;
}

/** Finds the percentage in lines like `    (12.50/100%)`. */
function progressReader(onProgress: (percent: number) => void): (line: string) => void {
  return (line) => {
    const percent = /\((\d+(?:\.\d+)?)\/100%\)/.exec(line)?.[1];
    if (percent !== undefined) onProgress(Number(percent));
  };
}

function checkedSource({ source }: CheckJob): MeasureJob['source'] {
  checkAbsolute(source.path);
  const { inspection } = source;
  if (inspection.safe) return source;
  const broken = inspection.findings.filter(({ severity }) => severity === 'unsafe');
  throw new RejectedError({
    code: 'UNSAFE_IMAGE',
    message: `The image breaks safety rules: ${broken.map(({ message }) => message).join('; ')}`,
    hint: broken[0]?.hint ?? 'Send an image that does not refer to anything outside itself',
    details: { rules: broken.map(({ rule }) => rule) },
  });
}

/** `qemu-img` takes a name with a colon before the first slash for a protocol. */
function checkAbsolute(file: string): void {
  if (path.isAbsolute(file)) return;
  throw new BugError({
    code: 'PATH_NOT_ABSOLUTE',
    message: `The path "${file}" is not absolute`,
  });
}

function parsedMeasure(text: string): {
  readonly required: number;
  readonly fullyAllocated: number;
} {
  const parsed: unknown = JSON.parse(text);
  if (typeof parsed === 'object' && parsed !== null) {
    const required: unknown = Reflect.get(parsed, 'required');
    const fullyAllocated: unknown = Reflect.get(parsed, 'fully-allocated');
    if (typeof required === 'number' && typeof fullyAllocated === 'number') {
      return { required, fullyAllocated };
    }
  }
  throw new PermanentError({
    code: 'PROGRAM_FAILED',
    message: 'The program "qemu-img" has not said how large the image would be',
    hint: 'Check the version of qemu-img: at least 2.10 is needed',
  });
}
