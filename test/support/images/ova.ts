import { createHash } from 'node:crypto';
import { vmdkStream } from './vmdk.js';
import { Writer, type LengthField, type Patch } from './writer.js';

const BLOCK = 512;

export interface TarMember {
  readonly name: string;
  readonly bytes?: Uint8Array | string;
  /** @default '0', a file */
  readonly type?: string;
  /** What the header says, where that is something else. */
  readonly size?: number;
  /** A change to the header, before its checksum. */
  readonly patch?: Patch | undefined;
}

/** An archive of ustar with an end mark. */
export function tarArchive(members: readonly TarMember[]): Uint8Array {
  const blocks = members.flatMap((member) => {
    const bytes = Buffer.from(member.bytes ?? '');
    const padded = new Writer(Math.ceil(bytes.length / BLOCK) * BLOCK).set(0, bytes).bytes;
    return [tarHeader(member, member.size ?? bytes.length), padded];
  });
  return Uint8Array.from(Buffer.concat([...blocks, new Uint8Array(2 * BLOCK)]));
}

function tarHeader({ name, type = '0', patch }: TarMember, size: number): Uint8Array {
  const writer = new Writer(BLOCK).text(0, name).text(100, '0000644\0');
  writer.text(124, `${size.toString(8).padStart(11, '0')}\0`).text(156, type);
  writer.text(257, 'ustar\0').text(263, '00').apply(patch).text(148, ' '.repeat(8));
  const sum = writer.bytes.reduce((total, byte) => total + byte, 0);
  return writer.text(148, `${sum.toString(8).padStart(6, '0')}\0 `).bytes;
}

export interface OvfOptions {
  readonly href?: string;
  readonly size?: number;
  /** Attributes of the file beside id, href and size. */
  readonly file?: string;
  /** In the place of the one disk. */
  readonly disks?: string;
  /** Before the document. */
  readonly prolog?: string;
  readonly system?: string;
}

const DISK =
  '<Disk ovf:diskId="d1" ovf:fileRef="f1" ovf:capacity="1" ovf:capacityAllocationUnits="byte * 2^20" ovf:format="http://www.vmware.com/interfaces/specifications/vmdk.html#streamOptimized"/>';

/** The facts of this machine are in the tests that read them. */
const SYSTEM = `<VirtualSystem ovf:id="vm"><Name>a &amp; b</Name>
<ProductSection><Product>Appliance</Product><Vendor>Acme</Vendor><Version>1.2</Version></ProductSection>
<OperatingSystemSection ovf:id="94" vmw:osType="ubuntu64Guest"><Description>Ubuntu</Description></OperatingSystemSection>
<VirtualHardwareSection><System><vssd:VirtualSystemType>vmx-13</vssd:VirtualSystemType></System>
<Item><rasd:ResourceType>3</rasd:ResourceType><rasd:VirtualQuantity>2</rasd:VirtualQuantity></Item>
<Item><rasd:AllocationUnits>byte * 2^20</rasd:AllocationUnits><rasd:ResourceType>4</rasd:ResourceType><rasd:VirtualQuantity>1024</rasd:VirtualQuantity></Item>
<vmw:Config ovf:required="false" vmw:key="firmware" vmw:value="efi"/></VirtualHardwareSection></VirtualSystem>`;

export function ovfDescriptor(options: OvfOptions = {}): string {
  const {
    href = 'disk1.vmdk',
    size,
    file = '',
    disks = DISK,
    prolog = '',
    system = SYSTEM,
  } = options;
  const told = size === undefined ? '' : ` ovf:size="${size}"`;
  return `<?xml version="1.0" encoding="UTF-8"?>
${prolog}<!-- exported --><Envelope xmlns="http://schemas.dmtf.org/ovf/envelope/1" xmlns:ovf="http://schemas.dmtf.org/ovf/envelope/1">
<References><File ovf:id="f1" ovf:href="${href}"${told} ${file}/></References>
<DiskSection><Info>disks</Info>${disks}</DiskSection>${system}</Envelope>`;
}

export interface OvaOptions {
  readonly ovf?: OvfOptions;
  readonly disk?: Uint8Array;
  readonly manifest?: 'first' | 'last';
  /** Changes what the manifest says. */
  readonly digest?: (hex: string) => string;
  readonly more?: readonly TarMember[];
}

/** A package as virtualisation programs write it: descriptor, manifest, disk. */
export function ovaPackage(options: OvaOptions = {}): Uint8Array {
  const { disk = vmdkStream(), manifest, more = [] } = options;
  const descriptor = ovfDescriptor({ size: disk.length, ...options.ovf });
  const changed = options.digest ?? ((hex: string): string => hex);
  const sum = (bytes: Uint8Array | string): string =>
    changed(createHash('sha256').update(bytes).digest('hex'));
  const mf: TarMember = {
    name: 'vm.mf',
    bytes: `SHA256(vm.ovf)= ${sum(descriptor)}\nSHA256(disk1.vmdk)= ${sum(disk)}\n`,
  };
  return tarArchive([
    { name: 'vm.ovf', bytes: descriptor },
    ...(manifest === 'first' ? [mf] : []),
    { name: 'disk1.vmdk', bytes: disk },
    ...(manifest === 'last' ? [mf] : []),
    ...more,
  ]);
}

/** A package whose first header, the descriptor's, is changed. */
export function ovaWithHeader(patch?: Patch): Uint8Array {
  const disk = vmdkStream();
  return tarArchive([
    { name: 'vm.ovf', bytes: ovfDescriptor({ size: disk.length }), patch },
    { name: 'disk1.vmdk', bytes: disk },
  ]);
}

export const TAR_LENGTH_FIELDS: readonly LengthField[] = [
  { name: 'size', at: 124, type: 'u64be' },
  { name: 'end of the size', at: 132, type: 'u32be' },
];
