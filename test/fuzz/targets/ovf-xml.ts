import fc from 'fast-check';
import type { JsonObject } from '../../../core/base/json.js';
import { ovfDescriptor, tarArchive } from '../../support/images/ova.js';
import { vmdkStream } from '../../support/images/vmdk.js';
import { checkMemory } from '../memory.js';
import { checkInspection } from '../oracle.js';
import type { FuzzTarget, Seen } from '../target.js';

/** Pieces of XML, right and wrong, and words that an OVF descriptor has. */
const PIECES = [
  ...[
    '<',
    '>',
    '</',
    '/>',
    '&',
    '&amp;',
    '&lt;',
    '&#65;',
    '&#x110000;',
    '&e;',
    '&#',
    '"',
    "'",
    '=',
  ],
  ...[
    '<!--',
    '-->',
    '<![CDATA[',
    ']]>',
    '<?x',
    '?>',
    '<!DOCTYPE a [<!ENTITY e "x">]>',
    '<!DOCTYPE a>',
  ],
  ...[
    '<Disk ',
    '<File ',
    '</Disk>',
    '<References>',
    '</References>',
    '<DiskSection>',
    '</DiskSection>',
  ],
  ...['<Envelope xmlns="x">', '</Envelope>', 'ovf:href="/etc/passwd" ', 'ovf:href="http://a/b" '],
  ...[
    'ovf:id="f1" ',
    'ovf:fileRef="f1" ',
    'ovf:capacity="99999999999999999999" ',
    'ovf:capacity="-1" ',
  ],
  ...[
    'ovf:capacityAllocationUnits="byte * 2^9999" ',
    'ovf:parentRef="d0" ',
    'ovf:compression="gzip" ',
  ],
  ...['ovf:chunkSize="1" ', '<VirtualSystem>', '</VirtualSystem>', '<Item>', '</Item>', '<a:b:c>'],
  ...[
    '<rasd:ResourceType>',
    '</rasd:ResourceType>',
    '4',
    ' ',
    '\n',
    '\0',
    '\ufeff',
    '\u00e9',
    '\ud800',
  ],
] as const;

type Case = {
  readonly href: string;
  /** Attributes of the one file. */
  readonly file: string;
  readonly size?: number | undefined;
  readonly before: string;
  readonly inside: string;
  readonly behind: string;
  readonly measured: boolean;
};

/** Elements that are right, with values that may not be. */
const element = fc
  .record({
    name: fc.constantFrom('Disk', 'Disk', 'Disk', 'File', 'Item', 'a:Other'),
    fileRef: fc.constantFrom('f1', 'f1', 'f2', ''),
    capacity: fc.constantFrom('1', '0', '-1', '99999999999999999999', '1e9', '', 'x'),
    units: fc.constantFrom('byte', 'byte * 2^20', 'byte * 2^9999', 'MegaBytes', ''),
    more: fc.constantFrom('', '', '', 'ovf:parentRef="d0"', 'ovf:compression="gzip"'),
  })
  .map(
    ({ name, fileRef, capacity, units, more }) =>
      `<${name} ovf:fileRef="${fileRef}" ovf:capacity="${capacity}" ovf:capacityAllocationUnits="${units}" ${more}/>`,
  );

const elements = fc.array(element, { maxLength: 6 }).map((made) => made.join('\n'));

const pieces = fc
  .array(
    fc.oneof(
      { arbitrary: fc.constantFrom(...PIECES), weight: 20 },
      { arbitrary: fc.string({ maxLength: 10 }), weight: 2 },
      { arbitrary: fc.constantFrom(...PIECES).map((piece) => piece.repeat(300)), weight: 1 },
    ),
    { maxLength: 16, size: 'max' },
  )
  .map((made) => made.join(''));

/** OVF descriptors in packages whose tar is right. */
export const ovfXmlTarget: FuzzTarget<Case> = {
  name: 'ovf-xml',
  weight: 1,
  cases: fc.record({
    before: fc.oneof({ arbitrary: fc.constant(''), weight: 5 }, { arbitrary: pieces, weight: 1 }),
    href: fc.constantFrom(
      'disk1.vmdk',
      'disk1.vmdk',
      'disk2.vmdk',
      '/etc/passwd',
      'http://a/b',
      '../x',
      '',
    ),
    file: fc.constantFrom('', '', 'ovf:compression="gzip"', 'ovf:chunkSize="1"', 'ovf:href="x"'),
    size: fc.option(fc.nat(), { nil: undefined }),
    inside: fc.oneof({ arbitrary: elements, weight: 3 }, { arbitrary: pieces, weight: 1 }),
    behind: fc.oneof({ arbitrary: fc.constant(''), weight: 3 }, { arbitrary: pieces, weight: 1 }),
    measured: fc.nat({ max: 199 }).map((turn) => turn === 0),
  }),
  check: judge,
  save: (made) => ({ ...made }),
  replay(saved: JsonObject) {
    judge(saved as unknown as Case);
  },
};

function judge({ before, inside, behind, measured, href, file, size }: Case): Seen {
  const disk = vmdkStream();
  const texts = { href, file, prolog: before, disks: inside, system: behind };
  const whole = ovfDescriptor({ size: size ?? disk.length, ...texts });
  const archive = tarArchive([
    { name: 'vm.ovf', bytes: whole },
    { name: 'disk1.vmdk', bytes: disk },
  ]);
  const { seen } = checkInspection(archive, [777, 40_000]);
  return measured ? [...seen, checkMemory(archive, archive.length >> 1)] : seen;
}
