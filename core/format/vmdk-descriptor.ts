import type { JsonObject } from '../base/json.js';
import { printable, quoted } from './byte-view.js';
import type { Finding } from './inspection.js';
import { finding } from './rules.js';
import { SECTOR } from './sector.js';
import type { Descriptor } from './vmdk-text.js';

/** createTypes that are complete in one file. */
const ONE_FILE_TYPES: ReadonlySet<string> = new Set(['monolithicSparse', 'streamOptimized']);

/** createTypes that VMware and QEMU know; others are not repeated as a subformat. */
const KNOWN_TYPES = [
  ...ONE_FILE_TYPES,
  'monolithicFlat',
  'twoGbMaxExtentSparse',
  'twoGbMaxExtentFlat',
  'fullDevice',
  'partitionedDevice',
  'vmfs',
  'vmfsThin',
  'vmfsEagerZeroedThick',
  'vmfsPreallocated',
  'vmfsSparse',
  'vmfsRaw',
  'vmfsRawDeviceMap',
  'vmfsPassthroughRawDeviceMap',
  'seSparse',
  'vsanSparse',
  '2GbMaxExtentSparse',
  '2GbMaxExtentFlat',
  'custom',
];

const NO_PARENT = 'ffffffff';

/** Bytes that all extents together show the guest. */
export function descriptorSize({ sectors }: Descriptor): number {
  return sectors * SECTOR;
}

/** The createType, if it is one that is known. */
export function createType({ entries }: Descriptor): string | undefined {
  const told = entries.get('createtype')?.toLowerCase();
  return KNOWN_TYPES.find((type) => type.toLowerCase() === told);
}

/**
 * Judges what a descriptor refers to. One that is `embedded` in a sparse extent describes that
 * extent; every extent of one that is `alone` is another file.
 */
export function* judgeReferences(
  descriptor: Descriptor,
  place: 'embedded' | 'alone',
): Iterable<Finding> {
  const { offset, entries, strayLine, contradiction } = descriptor;
  const type = createType(descriptor);
  if (type === undefined || !ONE_FILE_TYPES.has(type)) {
    yield finding(
      'create-type',
      offset,
      `The createType is ${quoted(entries.get('createtype') ?? '')}`,
    );
  }
  if (contradiction !== undefined) {
    yield finding(
      'copies-differ',
      offset,
      `The descriptor mentions "${contradiction}" with two values`,
    );
  }
  if (strayLine !== undefined) {
    yield finding(
      'header-malformed',
      offset,
      `The line ${quoted(strayLine)} of the descriptor is no entry and no extent`,
    );
  }
  yield* judgeParent(descriptor);
  yield* judgeExtents(descriptor, place);
}

function* judgeParent({ offset, entries, hasParentHint }: Descriptor): Iterable<Finding> {
  const parent = entries.get('parentcid')?.toLowerCase();
  if (hasParentHint) {
    const name = quoted(entries.get('parentfilenamehint') ?? '');
    yield finding('parent-image', offset, `The image has the parent file ${name}`);
  } else if (parent !== undefined && parent !== NO_PARENT) {
    yield finding('parent-image', offset, `The image has the parent ${quoted(parent)}`);
  }
}

function* judgeExtents(
  { offset, extents, extentCount }: Descriptor,
  place: 'embedded' | 'alone',
): Iterable<Finding> {
  const [only] = extents;
  if (place === 'embedded' && extentCount === 1 && only?.type.toUpperCase() === 'SPARSE') return;
  for (const { file, type } of extents) {
    yield finding(
      'external-extents',
      offset,
      `The ${printable(type)} extent ${quoted(file ?? '')} is not in the image`,
    );
  }
  if (extentCount > extents.length) {
    yield finding('external-extents', offset, `${extentCount} extents are not in the image`);
  }
}

/** The metadata that a descriptor tells. */
export function describeDescriptor(descriptor: Descriptor): JsonObject {
  const { entries, database, extentCount } = descriptor;
  return {
    create_type: createType(descriptor) ?? entries.get('createtype'),
    cid: entries.get('cid'),
    parent_cid: entries.get('parentcid'),
    parent_file: entries.get('parentfilenamehint'),
    adapter_type: database.get('adapterType'),
    hw_version: database.get('virtualHWVersion'),
    extent_count: extentCount,
    ddb: Object.fromEntries(database),
  };
}
