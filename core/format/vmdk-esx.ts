import type { ByteView } from './byte-view.js';
import { read, readEnd, type Inspecting } from './frame.js';
import { finding } from './rules.js';
import { SECTOR } from './sector.js';

// Extents of ESX servers, which are never complete: their descriptor is another file.
//
// COWD (vmfsSparse), source: VMware, "Virtual Disk Format 5.0" technical note, "ESX Server Sparse
// Extents"; little-endian: 0 magic, 4 version, 8 flags, 12 sectors, 16 grain size in sectors, 20
// grain directory offset in sectors, 24 grain directory entries (4 bytes each).
//
// SESparse, source: QEMU block/vmdk.c struct VMDKSESparseConstHeader; little-endian: 0 magic
// (8 bytes), 8 version (8 bytes), 16 capacity in sectors, 24 grain size in sectors.
const COWD = 'COWD';
const SE_SPARSE = '\xbe\xba\xfe\xca\0\0\0\0';
const HEADER_READ = 64;

export function isEsx(start: ByteView): boolean {
  return start.startsWith(COWD) || start.startsWith(SE_SPARSE);
}

/** Names and refuses an extent of an ESX server. */
export function* inspectEsx(): Inspecting {
  const header = yield* read(0, HEADER_READ);
  const { size } = yield* readEnd(0);
  const isCowd = header.startsWith(COWD);
  const type = isCowd ? 'vmfsSparse' : 'seSparse';
  const [sectors, sectorsAt] = isCowd ? [header.u32le(12), 12] : [header.u64le(16), 16];
  const directoryEnd = header.u32le(20) * SECTOR + header.u32le(24) * 4;
  return {
    format: 'vmdk',
    layer: 'image',
    signatureAt: 0,
    firstSector: 'header',
    subformat: type,
    virtualSize: { bytes: sectors * SECTOR, offset: sectorsAt },
    findings: [
      finding('create-type', 0, `The file is an extent of the type "${type}"`),
      ...(isCowd && directoryEnd > size
        ? [
            finding(
              'outside-file',
              20,
              `The grain directory ends at ${directoryEnd}, the file at ${size}`,
            ),
          ]
        : []),
    ],
    metadata: {
      create_type: type,
      grain_size: (isCowd ? header.u32le(16) : header.u64le(24)) * SECTOR,
    },
  };
}
