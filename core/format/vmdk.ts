import { quoted, type ByteView } from './byte-view.js';
import { read, readEnd, type FormatInspector, type Inspecting, type Reading } from './frame.js';
import type { Finding } from './inspection.js';
import { finding } from './rules.js';
import { SECTOR } from './sector.js';
import {
  createType,
  describeDescriptor,
  descriptorSize,
  judgeReferences,
} from './vmdk-descriptor.js';
import { inspectEsx, isEsx } from './vmdk-esx.js';
import {
  footerOf,
  isCompressed,
  isStream,
  judgeFooter,
  judgeSparseHeader,
  SIGNATURE,
  STREAM_END_LENGTH,
} from './vmdk-sparse.js';
import {
  isDescriptor,
  MAX_DESCRIPTOR_LENGTH,
  namesParent,
  parseDescriptor,
  type Descriptor,
} from './vmdk-text.js';

/** QEMU looks here for the name of a parent, wherever the header says that the descriptor is. */
const PARENT_SEARCH = { offset: 0x200, length: 20 * SECTOR };

/**
 * Disks of VMware. Only monolithicSparse and streamOptimized are complete in one file; every other
 * type is recognised and refused.
 */
export const vmdk: FormatInspector = { name: 'vmdk', inspect };

function* inspect(): Inspecting {
  const start = yield* read(0, 16);
  if (start.startsWith(SIGNATURE)) return yield* inspectSparse();
  if (isEsx(start)) return yield* inspectEsx();
  if (!/^[\s#v\xef]/i.test(start.latin1(0, 1))) return undefined;
  const text = yield* read(0, MAX_DESCRIPTOR_LENGTH);
  return isDescriptor(text) ? yield* inspectDescriptor(text) : undefined;
}

function* inspectDescriptor(text: ByteView): Inspecting {
  const { size } = yield* readEnd(0);
  const descriptor = parseDescriptor(text);
  const findings = [...judgeReferences(descriptor, 'alone')];
  if (findings.length === 0) {
    findings.push(finding('incomplete-image', 0, 'The file is a descriptor without its extent'));
  }
  const type = createType(descriptor);
  const isCut = size > MAX_DESCRIPTOR_LENGTH;
  if (isCut) findings.push(finding('header-malformed', 0, `The descriptor has ${size} bytes`));
  return {
    format: 'vmdk',
    layer: 'image',
    signatureAt: 0,
    firstSector: 'header',
    ...(type === undefined ? {} : { subformat: type }),
    ...(isCut ? {} : { virtualSize: { bytes: descriptorSize(descriptor), offset: 0 } }),
    findings,
    metadata: describeDescriptor(descriptor),
  };
}

function* inspectSparse(): Inspecting {
  const header = yield* read(0, SECTOR);
  const searched = yield* read(PARENT_SEARCH.offset, PARENT_SEARCH.length);
  const descriptor = yield* readDescriptor(header);
  const { view: end, size } = yield* readEnd(STREAM_END_LENGTH);
  const footer = isStream(header) ? footerOf(end) : undefined;
  // QEMU takes every field of the footer, so that one decides where there is one.
  const used = footer ?? header;
  const type = descriptor && createType(descriptor);
  return {
    format: 'vmdk',
    layer: 'image',
    signatureAt: 0,
    firstSector: 'header',
    ...(type === undefined ? {} : { subformat: type }),
    virtualSize: { bytes: virtualSize(used, descriptor), offset: used.offset + 12 },
    findings: [
      ...(header.length < SECTOR
        ? [finding('truncated', 0, `The file ends inside the header, after ${size} bytes`)]
        : judge(header, used, footer, size)),
      ...judgeDescriptor(used, descriptor, searched),
    ],
    metadata: {
      version: header.u32le(4),
      grain_size: Number.isSafeInteger(used.u64le(20)) ? used.u64le(20) * SECTOR : undefined,
      compressed: isCompressed(header),
      ...(descriptor ? describeDescriptor(descriptor) : {}),
    },
  };
}

/** Reads the embedded descriptor, if the header tells of one of a length that can be read. */
function* readDescriptor(header: ByteView): Reading<Descriptor | undefined> {
  const [offset, length] = [header.u64le(28) * SECTOR, header.u64le(36) * SECTOR];
  if (offset === 0 || length === 0) return undefined;
  const text = yield* read(offset, Math.min(length, MAX_DESCRIPTOR_LENGTH));
  return text.length === 0 ? undefined : parseDescriptor(text);
}

function* judge(
  header: ByteView,
  used: ByteView,
  footer: ByteView | undefined,
  size: number,
): Iterable<Finding> {
  yield* judgeSparseHeader(used, size);
  if (isStream(header)) yield* judgeFooter(header, footer);
}

function* judgeDescriptor(
  header: ByteView,
  descriptor: Descriptor | undefined,
  searched: ByteView,
): Iterable<Finding> {
  if (descriptor === undefined) {
    yield finding('incomplete-image', 28, 'The sparse extent has no descriptor');
    return;
  }
  const { offset, extents, extentCount } = descriptor;
  if (offset !== PARENT_SEARCH.offset) {
    yield finding(
      'header-malformed',
      28,
      `The descriptor is at ${BigInt(offset)}, readers look for it at ${PARENT_SEARCH.offset}`,
    );
  }
  if (header.u64le(36) * SECTOR > MAX_DESCRIPTOR_LENGTH) {
    yield finding('header-malformed', 36, `The descriptor has ${header.big64le(36)} sectors`);
  }
  yield* judgeReferences(descriptor, 'embedded');
  if (!descriptor.hasParentHint && namesParent(searched)) {
    yield finding(
      'parent-image',
      searched.offset,
      'The image names a parent before its descriptor',
    );
  }
  const extent = extents[0];
  if (extent === undefined) {
    yield finding('header-malformed', offset, 'The descriptor has no extent');
    return;
  }
  const capacity = header.u64le(12);
  if (extentCount === 1 && Math.abs(extent.sectors - capacity) >= Math.max(header.u64le(20), 1)) {
    yield finding(
      'copies-differ',
      offset,
      `The extent has ${extent.sectors} sectors, the header ${header.big64le(12)}`,
    );
  }
  yield* judgeExtentPath(descriptor, extent.file ?? '');
}

/** Readers find the extent of a stream in the stream itself; that of a disk may be opened by name. */
function* judgeExtentPath(descriptor: Descriptor, file: string): Iterable<Finding> {
  if (descriptor.extentCount > 1 || !/[/\\:]/.test(file)) return;
  const isOfStream = createType(descriptor) === 'streamOptimized';
  yield finding(
    isOfStream ? 'extent-path' : 'external-extents',
    descriptor.offset,
    `The extent is named by the path ${quoted(file)}`,
  );
}

function virtualSize(header: ByteView, descriptor: Descriptor | undefined): number {
  const capacity = header.u64le(12) * SECTOR;
  return capacity === 0 && descriptor ? descriptorSize(descriptor) : capacity;
}
