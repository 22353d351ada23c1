import { read, readEnd, type FormatInspector, type Inspecting, type Verdict } from './frame.js';
import { quoted, type ByteView } from './byte-view.js';
import type { Finding } from './inspection.js';
import { inspectLuks2 } from './luks2.js';
import { finding, firstOf } from './rules.js';
import { SECTOR } from './sector.js';

// Source: "LUKS On-Disk Format Specification" 1.2.3, figure 1; all fields are big-endian.
//
//  offset size                            offset size
//       0    6  magic                         72   32  hash specification
//       6    2  version                      104    4  payload offset, in sectors
//       8   32  cipher name                  108    4  key bytes
//      40   32  cipher mode                  168   40  UUID
//                                            208       8 key slots of 48 bytes
//
// Figure 2, a key slot: 0 state, 40 offset of the key material in sectors, 44 stripes.
const SIGNATURE = 'LUKS\xba\xbe';
const HEADER_LENGTH = 592;
const SLOTS = { at: 208, count: 8, length: 48 };
const ENABLED = 0x00ac71f3;
const DISABLED = 0x0000dead;

/** Longest key of the ciphers that Linux has; cryptsetup and QEMU refuse longer ones. */
const MAX_KEY_BYTES = 512;

/** Encrypted volumes of Linux, versions 1 and 2. */
export const luks: FormatInspector = { name: 'luks', inspect };

function* inspect(): Inspecting {
  const start = yield* read(0, 8);
  if (!start.startsWith(SIGNATURE)) return undefined;
  const version = start.u16be(6);
  if (version === 2) return yield* inspectLuks2();
  const header = yield* read(0, HEADER_LENGTH);
  const { size } = yield* readEnd(0);
  const payloadAt = header.u32be(104) * SECTOR;
  const base: Verdict = {
    format: 'luks',
    layer: 'image',
    signatureAt: 0,
    subformat: `luks${version}`,
    findings: [finding('encrypted', 0, 'The guest data is encrypted by LUKS')],
    metadata: { version },
  };
  if (version !== 1) {
    const unknown = finding(
      'unsupported-version',
      6,
      `The version is ${version}, known are 1 and 2`,
    );
    return { ...base, findings: [unknown] };
  }
  return {
    ...base,
    virtualSize: { bytes: Math.max(0, size - payloadAt), offset: 104 },
    findings: [...base.findings, ...judge(header, payloadAt, size)],
    metadata: {
      version,
      cipher: `${header.text(8, 32)}-${header.text(40, 32)}`,
      hash: header.text(72, 32),
      key_bits: header.u32be(108) * 8,
      payload_offset: payloadAt,
      uuid: header.text(168, 40),
    },
  };
}

function* judge(header: ByteView, payloadAt: number, size: number): Iterable<Finding> {
  if (header.length < HEADER_LENGTH) {
    yield finding('truncated', 0, `The file ends inside the header, after ${header.length} bytes`);
  } else if (payloadAt === 0) {
    yield finding('incomplete-image', 104, 'The header is detached: its payload is another file');
  } else if (payloadAt > size) {
    yield finding(
      'outside-file',
      104,
      `The payload starts at ${payloadAt}, the file ends at ${size}`,
    );
  }
  if (header.text(8, 32) === '') {
    yield finding('header-malformed', 8, `The cipher is ${quoted(header.text(8, 32))}`);
  }
  const keyBytes = header.u32be(108);
  if (keyBytes < 1 || keyBytes > MAX_KEY_BYTES) {
    yield finding('header-malformed', 108, `The key has ${keyBytes} bytes`);
    return;
  }
  if (header.length === HEADER_LENGTH)
    yield* firstOf(judgeSlots(header, keyBytes, payloadAt, size));
}

function* judgeSlots(
  header: ByteView,
  keyBytes: number,
  payloadAt: number,
  size: number,
): Iterable<Finding> {
  for (let index = 0; index < SLOTS.count; index += 1) {
    const at = SLOTS.at + index * SLOTS.length;
    const state = header.u32be(at);
    if (state !== ENABLED && state !== DISABLED) {
      const told = state.toString(16);
      yield finding('header-malformed', at, `The state of key slot ${index} is 0x${told}`);
    }
    if (state !== ENABLED) continue;
    const end = header.u32be(at + 40) * SECTOR + keyBytes * header.u32be(at + 44);
    if (end > size) {
      yield finding(
        'outside-file',
        at + 40,
        `Key slot ${index} ends at ${end}, the file at ${size}`,
      );
    } else if (payloadAt > 0 && end > payloadAt) {
      yield finding(
        'header-malformed',
        at + 40,
        `Key slot ${index} ends at ${end}, the payload starts at ${payloadAt}`,
      );
    }
  }
}
