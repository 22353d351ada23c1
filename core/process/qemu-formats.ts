import { InvalidInputError, UnsupportedError } from '../base/errors.js';

/** `qemu-img`'s names of the formats that it may be given, by `disk_format`. */
const SOURCES: Readonly<Record<string, string>> = {
  raw: 'raw',
  iso: 'raw',
  ami: 'raw',
  ari: 'raw',
  aki: 'raw',
  qcow2: 'qcow2',
  vmdk: 'vmdk',
  vdi: 'vdi',
  vhd: 'vpc',
  vhdx: 'vhdx',
};
const TARGETS: Readonly<Record<string, string>> = {
  raw: 'raw',
  qcow2: 'qcow2',
  vmdk: 'vmdk',
  vdi: 'vdi',
  vhd: 'vpc',
  vhdx: 'vhdx',
};

/** Formats whose driver can open a second image below the first; it is told that there is none. */
const WITH_BACKING = new Set(['qcow2', 'vmdk']);

/** Options that would make the target refer to another file, or need a secret. */
const REFUSED_OPTIONS = /^(backing_|data_file|encrypt|file\.)/;

/** Options without which a target would not be what was asked for. */
const DEFAULT_OPTIONS: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  // A VHD's size is rounded up to whole cylinders otherwise, and the guest sees another disk.
  vpc: { force_size: 'on' },
};

/**
 * A file name that names a local file and nothing else: format and protocol are pinned, so that
 * neither the bytes nor the name decide what is opened.
 * @throws {UnsupportedError} `FORMAT_UNSUPPORTED`
 */
export function sourceName(path: string, format: string): string {
  const driver = driverOf(SOURCES, format);
  return `json:${JSON.stringify({
    driver,
    file: { driver: 'file', filename: path },
    ...(WITH_BACKING.has(driver) ? { backing: null } : {}),
  })}`;
}

/** @throws {UnsupportedError} `FORMAT_UNSUPPORTED` */
export function targetDriver(format: string): string {
  return driverOf(TARGETS, format);
}

/**
 * The `-o` arguments of a target.
 * @throws {InvalidInputError} `OPTION_REFUSED`
 */
export function optionArguments(
  driver: string,
  options: Readonly<Record<string, string>>,
): readonly string[] {
  for (const name of Object.keys(options)) {
    if (!/^[a-z][a-z0-9_.-]*$/.test(name) || REFUSED_OPTIONS.test(name)) {
      throw new InvalidInputError({
        code: 'OPTION_REFUSED',
        message: `The option "${name}" of the format "${driver}" is not allowed`,
        hint: 'Images that refer to other files or that are encrypted cannot be made; remove the option',
      });
    }
  }
  const all = { ...DEFAULT_OPTIONS[driver], ...options };
  // A comma in a value is written twice: qemu-img(1).
  return Object.entries(all).flatMap(([name, value]) => [
    '-o',
    `${name}=${value.replaceAll(',', ',,')}`,
  ]);
}

/** `vmdk` compresses in one of its variants only. */
export function canCompress(driver: string, options: Readonly<Record<string, string>>): boolean {
  return driver === 'qcow2' || (driver === 'vmdk' && options['subformat'] === 'streamOptimized');
}

function driverOf(drivers: Readonly<Record<string, string>>, format: string): string {
  const driver = Object.hasOwn(drivers, format) ? drivers[format] : undefined;
  if (driver !== undefined) return driver;
  throw new UnsupportedError({
    code: 'FORMAT_UNSUPPORTED',
    message: `Cannot convert the disk format "${format}"`,
    hint: `The formats are: ${Object.keys(drivers).join(', ')}`,
  });
}
