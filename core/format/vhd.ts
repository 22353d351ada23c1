import type { JsonObject } from '../base/json.js';
import type { ByteView } from './byte-view.js';
import { read, readEnd, type FormatInspector, type Inspecting } from './frame.js';
import type { Finding } from './inspection.js';
import { finding } from './rules.js';
import { judgeDynamicHeader } from './vhd-dynamic.js';
import { checksum, COOKIE, FOOTER_LENGTH, sizeOf, TYPES } from './vhd-footer.js';

/** The footer may be 511 bytes long: "Versions previous to Microsoft Virtual PC 2004". */
const SHORT_FOOTER_LENGTH = 511;

const FIXED = 2;
const DYNAMIC = 3;
const DIFFERENCING = 4;
const FILE_FORMAT_VERSION = 0x00010000;
const DYNAMIC_HEADER_LENGTH = 1024;

/** "The maximum size of a virtual hard disk is 2040 GB"; QEMU block/vpc.c VHD_MAX_SECTORS. */
const MAX_SIZE = 2040 * 2 ** 30;

/** Virtual hard disks of Virtual PC, Hyper-V and Azure. */
export const vhd: FormatInspector = { name: 'vhd', inspect };

function* inspect(): Inspecting {
  const copy = yield* read(0, FOOTER_LENGTH);
  const hasCopy = copy.startsWith(COOKIE);
  const dynamicAt = hasCopy ? copy.u64be(16) : 0;
  const dynamic = hasCopy ? yield* read(dynamicAt, DYNAMIC_HEADER_LENGTH) : undefined;
  const end = yield* readEnd(FOOTER_LENGTH);
  const { size } = end;
  const footer = footerIn(end.view, hasCopy);
  if (footer === undefined && dynamic === undefined) return undefined;
  if (footer !== undefined && dynamic === undefined && !isFooter(footer)) return undefined;
  const used = dynamic === undefined && footer ? footer : copy;
  const type = TYPES.get(used.u32be(60));
  return {
    format: 'vhd',
    layer: 'image',
    signatureAt: used.offset,
    firstSector: dynamic === undefined ? 'guest' : 'header',
    ...(type === undefined ? {} : { subformat: type }),
    virtualSize: { bytes: sizeOf(used), offset: used.offset + 48 },
    findings: [
      ...judgeFooter(used),
      ...(dynamic ? judgeDynamic(copy, dynamic, footer, size) : judgeFixed(used, size)),
    ],
    metadata: describe(used, dynamic),
  };
}

/** Finds the footer in the last 512 bytes; a file of one footer alone has no copy besides. */
function footerIn(last: ByteView, hasCopy: boolean): ByteView | undefined {
  if (last.length < SHORT_FOOTER_LENGTH || (hasCopy && last.offset === 0)) return undefined;
  if (last.startsWith(COOKIE)) return last;
  const short = last.slice(last.length - SHORT_FOOTER_LENGTH, SHORT_FOOTER_LENGTH);
  return short.startsWith(COOKIE) ? short : undefined;
}

/** Keeps raw disks whose last sector starts with the cookie by chance out. */
function isFooter(footer: ByteView): boolean {
  if (footer.u32be(64) === checksum(footer, 64)) return true;
  return footer.u32be(12) === FILE_FORMAT_VERSION && TYPES.has(footer.u32be(60));
}

function* judgeFooter(footer: ByteView): Iterable<Finding> {
  const { offset } = footer;
  if (footer.length < SHORT_FOOTER_LENGTH) {
    yield finding('truncated', offset, `The file ends inside the footer, at ${footer.length}`);
    return;
  }
  const [told, computed] = [footer.u32be(64), checksum(footer, 64)];
  if (told !== computed) {
    yield finding(
      'header-checksum',
      offset + 64,
      `The checksum of the footer is ${told}, its bytes give ${computed}`,
    );
  }
  const [version, type] = [footer.u32be(12), footer.u32be(60)];
  if (version >>> 16 !== FILE_FORMAT_VERSION >>> 16) {
    yield finding('unsupported-version', offset + 12, `The version is 0x${version.toString(16)}`);
  }
  if (type === DIFFERENCING) {
    yield finding('parent-image', offset + 60, 'The image is of the type "differencing"');
  } else if (!TYPES.has(type)) {
    yield finding('unknown-features', offset + 60, `The disk type is ${type}`);
  }
  if (sizeOf(footer) > MAX_SIZE) {
    yield finding(
      'virtual-size-limit',
      offset + 48,
      `The virtual size is ${BigInt(sizeOf(footer))} bytes, the limit of the format is ${MAX_SIZE}`,
    );
  }
  if (footer.u8(84) !== 0) {
    yield finding('not-closed-cleanly', offset + 84, 'The image is of a machine in saved state');
  }
}

function* judgeFixed(footer: ByteView, size: number): Iterable<Finding> {
  const payload = size - footer.length;
  if (footer.u32be(60) !== FIXED) {
    yield finding('header-malformed', 0, 'The copy of the footer at the start is missing');
  } else if (footer.u64be(48) > payload) {
    yield finding(
      'truncated',
      footer.offset + 48,
      `The size is ${footer.big64be(48)} bytes, the file holds ${payload} before the footer`,
    );
  }
}

function* judgeDynamic(
  copy: ByteView,
  dynamic: ByteView,
  footer: ByteView | undefined,
  size: number,
): Iterable<Finding> {
  if (copy.u32be(60) === FIXED) {
    yield finding('header-malformed', 60, 'A footer at the start names the type "fixed"');
    return;
  }
  if (footer === undefined) {
    yield finding('truncated', 0, 'The file does not end with a footer');
  } else {
    yield* compareFooters(copy, footer);
  }
  if (copy.u32be(60) === DYNAMIC || copy.u32be(60) === DIFFERENCING) {
    yield* judgeDynamicHeader(copy, dynamic, size);
  }
}

function* compareFooters(copy: ByteView, footer: ByteView): Iterable<Finding> {
  const names = new Map([
    [16, 'header offset'],
    [48, 'current size'],
    [56, 'geometry'],
    [60, 'disk type'],
  ]);
  for (const [at, name] of names) {
    const length = at === 16 || at === 48 ? 8 : 4;
    if (copy.latin1(at, length) === footer.latin1(at, length)) continue;
    yield finding(
      'copies-differ',
      footer.offset + at,
      `The footers at offset 0 and ${footer.offset} differ in the ${name}`,
    );
  }
}

function describe(footer: ByteView, dynamic: ByteView | undefined): JsonObject {
  return {
    type: TYPES.get(footer.u32be(60)),
    creator_application: footer.text(28, 4),
    creator_version: `${footer.u16be(32)}.${footer.u16be(34)}`,
    creator_host_os: footer.text(36, 4),
    current_size: Number.isSafeInteger(footer.u64be(48)) ? footer.u64be(48) : undefined,
    geometry: { cylinders: footer.u16be(56), heads: footer.u8(58), sectors: footer.u8(59) },
    uuid: footer.uuid(68),
    block_size: dynamic?.u32be(32),
  };
}
