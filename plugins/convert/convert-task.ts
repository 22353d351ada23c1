import path from 'node:path';
import {
  BugError,
  PermanentError,
  RejectedError,
  assertReplaceable,
  signatureAsProvenance,
} from '../../core/api.js';
import type {
  DataView,
  GuestDisk,
  ImportTask,
  Inspection,
  JsonObject,
  QemuImg,
  TaskContext,
  TaskResult,
  TaskView,
} from '../../core/api.js';
import { CONVERTIBLE } from './convert-config.js';
import type { ConvertConfig } from './convert-config.js';
import { SOURCE_PROPERTY_PREFIX, provenance } from './provenance.js';
import { refreshed } from './refreshed.js';
import { isAsWanted, targetFor } from './target.js';
import type { Target } from './target.js';
import { workspaceFor } from './workspace.js';

const SOURCES: ReadonlySet<string> = new Set(CONVERTIBLE);

/** Formats of parts of a guest, which are no disks whatever their bytes look like. */
const NO_DISKS: ReadonlySet<string> = new Set(['aki', 'ari', 'ami', 'iso', 'ploop']);

/** What a raw disk may look like: a guest's own volume, encrypted or of an optical disk. */
const GUEST_CONTENT: ReadonlySet<string> = new Set(['raw', 'luks', 'iso']);

/** Bytes of one cylinder of the largest geometry, and the track behind it. */
const GEOMETRY_ROUNDING = 1024 * 1024;

/** Converts the bytes with `qemu-img` and proposes what has become of the image. */
export class ConvertTask implements ImportTask {
  constructor(
    private readonly config: ConvertConfig,
    private readonly qemuImg: QemuImg,
  ) {}

  skipReason({ data, image }: TaskView): string | undefined {
    if (data === undefined) return 'The import holds no bytes';
    const { inspection } = data;
    const { containerFormat, diskFormat } = image;
    if (data.size === 0 || inspection.virtualSize === 0) return 'The image is empty';
    if (containerFormat !== null && containerFormat !== 'bare') {
      return `The data is not a bare disk: container_format is ${containerFormat}`;
    }
    if (diskFormat !== null && NO_DISKS.has(diskFormat)) {
      return `Images of disk_format ${diskFormat} stay as they are`;
    }
    if (!SOURCES.has(inspection.format)) {
      return `Data of the format ${inspection.format} is not converted`;
    }
    if (isEncrypted(inspection)) return 'The guest data is encrypted inside the image format';
    const target = targetFor(this.config, inspection);
    return isAsWanted(this.config, inspection, target)
      ? `The data is ${target.format} already`
      : undefined;
  }

  workspace({ data }: TaskView): number {
    if (data === undefined) return 0;
    return workspaceFor(this.config, data, targetFor(this.config, data.inspection));
  }

  async execute(context: TaskContext): Promise<TaskResult> {
    const { data: source, image } = context;
    if (source === undefined) return {};
    assertReplaceable(image, this.config.signed);
    const { inspection } = source;
    const target = targetFor(this.config, inspection);
    const result =
      target.format === 'raw'
        ? await this.#unpack(context, inspection)
        : await this.#convert(context, inspection, target);
    assertNoDisk(result.inspection, target);
    assertWhole(inspection, result.inspection, target);
    return {
      draft: {
        diskFormat: target.format,
        containerFormat: 'bare',
        properties: {
          ...refreshed(source.inspection, result.inspection, image),
          ...provenance(source, image),
          ...signatureAsProvenance(image, SOURCE_PROPERTY_PREFIX),
        },
      },
      ...(result.inspection.virtualSize === undefined
        ? {}
        : { virtualSize: result.inspection.virtualSize }),
      output: describe(source, result, target),
    };
  }

  /** Where a table is damaged the converter reads zeros, and the guest's data would be gone unsaid. */
  #check(context: TaskContext, inspection: Inspection): Promise<void> {
    const { signal } = context;
    return this.qemuImg.check({ source: { path: context.dataPath(), inspection }, signal });
  }

  /** A raw image is what the guest sees, so that its bytes are digested while they are read. */
  async #unpack(context: TaskContext, inspection: Inspection): Promise<DataView> {
    const disk = await this.#open(context, inspection);
    const staged = await context.stage({ kind: 'disk', disk });
    if (staged !== undefined) return staged;
    throw new BugError({ code: 'NOTHING_STAGED', message: 'The converted disk was not staged' });
  }

  /** Both programs start side by side; nothing is read before the check has found nothing. */
  async #open(context: TaskContext, inspection: Inspection): Promise<GuestDisk> {
    const { signal } = context;
    const directory = path.dirname(await context.workspacePath('disk'));
    const [checked, opened] = await Promise.allSettled([
      this.#check(context, inspection),
      this.qemuImg.open({ source: { path: context.dataPath(), inspection }, directory, signal }),
    ]);
    if (checked.status === 'rejected') {
      if (opened.status === 'fulfilled') await Promise.allSettled([opened.value.close()]);
      throw checked.reason;
    }
    if (opened.status === 'rejected') throw opened.reason;
    return opened.value;
  }

  async #convert(context: TaskContext, inspection: Inspection, target: Target): Promise<DataView> {
    await this.#check(context, inspection);
    const file = await context.workspacePath('converted');
    await this.qemuImg.convert({
      source: { path: context.dataPath(), inspection },
      target: file,
      ...target,
      signal: context.signal,
      onProgress: (percent) => {
        context.progress(percent, 100);
      },
    });
    return context.adopt(file);
  }
}

function isEncrypted({ metadata }: Inspection): boolean {
  const { encryption } = metadata;
  return typeof encryption === 'string' && encryption !== 'none';
}

/**
 * What the program has made must be what it was asked for: where it is not, the program or the disk
 * is to blame, and never the image.
 *
 * @throws {PermanentError} `CONVERSION_WRONG`
 */
function assertWhole(source: Inspection, result: Inspection, target: Target): void {
  const isOtherFormat = target.format !== 'raw' && result.format !== target.format;
  const { virtualSize: wanted = 0 } = source;
  const found = target.format === 'raw' ? result.size : (result.virtualSize ?? 0);
  // An old VHD tells its size twice: in bytes, and in a geometry that is rounded down.
  const slack = source.format === 'vhd' ? GEOMETRY_ROUNDING : 0;
  if (!isOtherFormat && found >= wanted - slack) return;
  throw new PermanentError({
    code: 'CONVERSION_WRONG',
    message: isOtherFormat
      ? `The converted image is "${result.format}", not "${target.format}"`
      : `The converted disk has ${found} bytes, the image says ${wanted}`,
    hint: 'Ask the operator to look at the programs that convert, and at the disk of the staging area',
    details: { format: result.format, size: found, expected: wanted },
  });
}

/**
 * A disk can hold the header of another disk format. As a raw image its first reader would take it
 * for that format, with whatever files it names.
 *
 * @throws {RejectedError} `NESTED_FORMAT`
 */
function assertNoDisk({ format, safe }: Inspection, target: Target): void {
  if (safe && (target.format !== 'raw' || GUEST_CONTENT.has(format))) return;
  throw new RejectedError({
    code: 'NESTED_FORMAT',
    message: `The disk inside the image begins with "${format}" data where a guest's disk was expected`,
    hint: 'Send the inner image by itself',
    details: { expected: target.format, found: format },
  });
}

function describe(source: DataView, result: DataView, target: Target): JsonObject {
  return {
    from: source.inspection.format,
    to: target.format,
    size_before: source.size,
    size_after: result.size,
    allocated_after: result.allocatedSize,
  };
}
