import { read, readEnd, type FormatInspector, type Inspecting } from './frame.js';
import { finding } from './rules.js';

/** Formats that other programs recognise by their first bytes: they must not pass as raw. */
const STARTS = [
  // QEMU block/parallels.c
  ['parallels', 'WithoutFreeSpace'],
  ['parallels', 'WithouFreSpacExt'],
  // QEMU block/bochs.c
  ['bochs', 'Bochs Virtual HD Image\0'],
  // QEMU block/cloop.c cloop_probe()
  [
    'cloop',
    '#!/bin/sh\n#V2.0 Format\nmodprobe cloop file=$0 && mount -r -t iso9660 /dev/cloop $1\n',
  ],
  // libyal libewf, "Expert Witness Compression Format", "Segment file header"
  ['e01', 'EVF\x09\x0d\x0a\xff\x00'],
  ['e01', 'EVF2\x0d\x0a\x81\x00'],
] as const;

const START_READ = 128;

/** QEMU block/dmg.c: the last 512 bytes start with this, their length and version follow. */
const DMG_TRAILER = 'koly';
const DMG_TRAILER_LENGTH = 512;

/** Disk formats that are named and refused. */
export const foreign: FormatInspector = { name: 'foreign', inspect };

/** Disk images of macOS, which are told by their end. */
export const dmg: FormatInspector = { name: 'dmg', inspect: inspectDmg };

function* inspect(): Inspecting {
  const start = yield* read(0, START_READ);
  const [format] = STARTS.find(([, signature]) => start.startsWith(signature)) ?? [];
  if (format === undefined) return undefined;
  return {
    format,
    layer: 'image',
    signatureAt: 0,
    findings: [
      finding('foreign-format', 0, `The bytes are a disk image of the format "${format}"`),
    ],
    metadata: {},
  };
}

function* inspectDmg(): Inspecting {
  const { view: trailer } = yield* readEnd(DMG_TRAILER_LENGTH);
  const isTrailer =
    trailer.length === DMG_TRAILER_LENGTH &&
    trailer.startsWith(DMG_TRAILER) &&
    trailer.u32be(8) === DMG_TRAILER_LENGTH;
  if (!isTrailer) return undefined;
  return {
    format: 'dmg',
    layer: 'image',
    signatureAt: trailer.offset,
    findings: [
      finding('foreign-format', trailer.offset, 'The bytes are a disk image of the format "dmg"'),
    ],
    metadata: {},
  };
}
