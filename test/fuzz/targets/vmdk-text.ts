import fc from 'fast-check';
import { vmdkDescriptor, vmdkSparse, vmdkStream } from '../../support/images/vmdk.js';
import { checkInspection } from '../oracle.js';
import { promise, type FuzzTarget, type Seen } from '../target.js';

/** Lines and pieces of lines of a descriptor; what is between them is at random. */
const PIECES = [
  ...['# Disk DescriptorFile\n', 'version=1\n', 'version = "3"\n', 'CID=0badcafe\n'],
  ...['parentCID=ffffffff\n', 'parentCID=0badcafe\n', 'createType="monolithicSparse"\n'],
  ...['createType="streamOptimized"\n', 'createType="monolithicFlat"\n', 'CREATETYPE = vmfs\n'],
  ...['RW 2048 SPARSE "disk.vmdk"\n', 'RDONLY 2048 SPARSE "disk.vmdk"\n', 'RW 2048 FLAT "x" 0\n'],
  ...['RW +1 FLAT "/etc/passwd" 0\n', 'rw 99999999999999999999 SPARSE "a"\n', 'RW 1 ZERO\n'],
  ...['NOACCESS 0 SPARSE "a"\n', 'RW 2048 RDONLY SPARSE "a"\n', 'parentFileNameHint="b.vmdk"\n'],
  ...['ddb.adapterType = "ide"\n', 'ddb.comment="createType=vmfs"\n', '# parentFileNameHint\n'],
  ...['\r\n', '\r', '\0', '"', '=', ' ', '\t', '\ufeff', '\u2028', '\u00e9', '/', '\\'],
] as const;

/** A descriptor that is right but for what comes behind it. */
const BASES = [
  '',
  ...['monolithicSparse', 'streamOptimized'].flatMap((type) =>
    ['disk.vmdk', '/vmfs/disk.vmdk'].map((file) =>
      vmdkDescriptor({ createType: type, extents: [`RDONLY 2048 SPARSE "${file}"`] }),
    ),
  ),
];

type Case = { readonly text: string; readonly stream: boolean };

/** Descriptors of VMDK, alone and in a sparse extent. */
export const vmdkTextTarget: FuzzTarget<Case> = {
  name: 'vmdk-text',
  weight: 3,
  cases: fc.record({
    text: fc
      .tuple(
        fc.constantFrom(...BASES),
        fc.array(
          fc.oneof(
            { arbitrary: fc.constantFrom(...PIECES), weight: 12 },
            { arbitrary: fc.string({ maxLength: 20 }), weight: 1 },
            { arbitrary: fc.constantFrom(...PIECES).map((piece) => piece.repeat(500)), weight: 1 },
          ),
          { maxLength: 24, size: 'max' },
        ),
      )
      .map(([base, pieces]) => base + pieces.join('')),
    stream: fc.boolean(),
  }),
  check: ({ text, stream }) => judge(text, stream),
  save: ({ text, stream }) => ({ text, stream }),
  replay({ text, stream }) {
    judge(text as string, stream === true);
  },
};

/** Bytes that the made images have for a descriptor before their grain directory. */
const ROOM = 63 * 1024;

function judge(text: string, isStream: boolean): Seen {
  const bytes = Buffer.from(text).subarray(0, ROOM);
  const sectors = Math.ceil((bytes.length + 1) / 512);
  const descriptor = bytes.toString('latin1');
  const make = isStream ? vmdkStream : vmdkSparse;
  const image = make({
    descriptor,
    patch: (writer) => {
      writer.u64le(36, sectors);
      if (isStream) writer.u64le(writer.bytes.length - 1024 + 36, sectors);
    },
  });
  const alone = checkInspection(bytes, [61, 1500]);
  const embedded = checkInspection(image, [1000, 5000]);
  if (embedded.inspection.safe) checkAsQemuReads(bytes);
  const { format, safe } = alone.inspection;
  promise('a descriptor alone is never safe', format !== 'vmdk' || !safe, () => text);
  return [...alone.seen, ...embedded.seen];
}

/** What QEMU block/vmdk.c finds in the text up to its first NUL: by searching, not by lines. */
function checkAsQemuReads(bytes: Buffer): void {
  const nul = bytes.indexOf(0);
  const text = bytes.subarray(0, nul < 0 ? bytes.length : nul).toString('latin1');
  const [, type] = /createType="([^"\n]*)/.exec(text) ?? [];
  promise(
    'a safe descriptor has a safe createType first',
    type === undefined || ['monolithicsparse', 'streamoptimized'].includes(type.toLowerCase()),
    () => text,
  );
  promise('a safe descriptor names no parent', !/parentFileNameHint/i.test(text), () => text);
  const [, parent] = /parentCID=([0-9a-fA-F]+)/.exec(text) ?? [];
  promise(
    'a safe descriptor has no parent CID first',
    parent === undefined || parent.toLowerCase() === 'ffffffff',
    () => text,
  );
  const extents = [...text.matchAll(/^\s*(?:RW|RDONLY|NOACCESS)\s+[-+]?\d+\s+\S+.*$/gim)];
  promise('a safe descriptor has one extent', extents.length === 1, () => text);
  promise(
    'a safe descriptor has a sparse extent',
    /SPARSE/i.test(extents[0]?.[0] ?? ''),
    () => text,
  );
}
