import type { ByteView } from './byte-view.js';
import { read, type FormatInspector, type Inspecting } from './frame.js';
import { finding } from './rules.js';

// Source: POSIX.1-2017 pax, "ustar Interchange Format": 0 name, 148 checksum in octal digits (8),
// 156 type, 257 magic "ustar".
const BLOCK = 512;
const MAGIC = 'ustar';
const CHECKSUM = { offset: 148, length: 8 };

/** Archives of tar; `ova` where the first member is an OVF descriptor (DSP0243 2.1, section 5.2). */
export const tar: FormatInspector = { name: 'tar', inspect };

function* inspect(): Inspecting {
  const header = yield* read(0, BLOCK);
  if (header.length < BLOCK || !hasChecksum(header)) return undefined;
  const isOva = /\.ovf$/i.test(header.text(0, 100));
  const format = isOva ? 'ova' : 'tar';
  return {
    format,
    layer: 'image',
    signatureAt: header.startsWith(MAGIC, 257) ? 257 : 0,
    findings: [finding('archive-members', 0, `The bytes are an archive of the format "${format}"`)],
    metadata: {},
  };
}

/** The sum of all bytes, the checksum field as spaces; archives older than ustar have it too. */
function hasChecksum(header: ByteView): boolean {
  const told = /^[ 0]*([0-7]+)[ \0]/.exec(header.latin1(CHECKSUM.offset, CHECKSUM.length))?.[1];
  if (told === undefined || header.u8(0) === 0) return false;
  let sum = CHECKSUM.length * 0x20;
  header.bytes.forEach((byte, at) => {
    if (at < CHECKSUM.offset || at >= CHECKSUM.offset + CHECKSUM.length) sum += byte;
  });
  return sum === Number.parseInt(told, 8);
}
