import { fileSystem, GPT_LENGTH_FIELDS, gptDisk, mbrDisk } from './disk.js';
import { ISO_LENGTH_FIELDS, isoImage } from './iso9660.js';
import { ovaWithHeader, TAR_LENGTH_FIELDS } from './ova.js';
import { LUKS1_LENGTH_FIELDS, luks1Image, LUKS2_LENGTH_FIELDS, luks2Image } from './luks.js';
import { QCOW_LENGTH_FIELDS, qcowImage, QED_LENGTH_FIELDS, qedImage } from './qcow.js';
import { QCOW2_LENGTH_FIELDS, qcow2Image } from './qcow2.js';
import { UDF_LENGTH_FIELDS, udfImage } from './udf.js';
import { VDI_LENGTH_FIELDS, vdiImage } from './vdi.js';
import { VHD_DYNAMIC_FIELDS, VHD_FOOTER_FIELDS, vhdDynamic, vhdFixed } from './vhd.js';
import { VHDX_LENGTH_FIELDS, vhdxImage } from './vhdx.js';
import { vmdkDescriptor, vmdkSparse, vmdkStream, VMDK_LENGTH_FIELDS } from './vmdk.js';
import type { LengthField, Patch } from './writer.js';
import { ZIP_LENGTH_FIELDS, zipArchive } from './zip.js';

/** A kind of image with a maker that takes a change of its header, and the fields to change. */
export type ImageKind = {
  readonly name: string;
  readonly format: string;
  readonly make: (patch?: Patch) => Uint8Array;
  readonly fields: readonly LengthField[];
};

/** One kind for every header layout that the inspectors know. */
export const IMAGE_KINDS: readonly ImageKind[] = [
  {
    name: 'qcow2',
    format: 'qcow2',
    make: (patch) => qcow2Image({ extensions: [[0x6803f857, 'x'.repeat(48)]], ...optional(patch) }),
    fields: QCOW2_LENGTH_FIELDS,
  },
  {
    name: 'qcow2 v2',
    format: 'qcow2',
    make: (patch) => qcow2Image({ version: 2, ...optional(patch) }),
    fields: QCOW2_LENGTH_FIELDS.filter(({ at }) => at < 72),
  },
  { name: 'zip', format: 'zip', make: (patch) => zipArchive({ patch }), fields: ZIP_LENGTH_FIELDS },
  { name: 'ova', format: 'ova', make: ovaWithHeader, fields: TAR_LENGTH_FIELDS },
  { name: 'qcow', format: 'qcow', make: qcowImage, fields: QCOW_LENGTH_FIELDS },
  { name: 'qed', format: 'qed', make: qedImage, fields: QED_LENGTH_FIELDS },
  {
    name: 'vmdk monolithicSparse',
    format: 'vmdk',
    make: (patch) => vmdkSparse(optional(patch)),
    fields: VMDK_LENGTH_FIELDS,
  },
  {
    name: 'vmdk streamOptimized',
    format: 'vmdk',
    make: (patch) => vmdkStream(optional(patch)),
    fields: VMDK_LENGTH_FIELDS,
  },
  {
    name: 'vmdk descriptor',
    format: 'vmdk',
    make: () => Uint8Array.from(Buffer.from(vmdkDescriptor())),
    fields: [],
  },
  {
    name: 'vhd fixed',
    format: 'vhd',
    make: (patch) => vhdFixed(new Uint8Array(8192), optional(patch)),
    fields: VHD_FOOTER_FIELDS,
  },
  {
    name: 'vhd dynamic',
    format: 'vhd',
    make: (patch) => vhdDynamic(optional(patch)),
    fields: VHD_FOOTER_FIELDS,
  },
  {
    name: 'vhd dynamic header',
    format: 'vhd',
    make: (patch) => vhdDynamic(patch === undefined ? {} : { patchDynamic: patch }),
    fields: VHD_DYNAMIC_FIELDS,
  },
  { name: 'vhdx', format: 'vhdx', make: vhdxImage, fields: VHDX_LENGTH_FIELDS },
  { name: 'vdi', format: 'vdi', make: vdiImage, fields: VDI_LENGTH_FIELDS },
  { name: 'iso', format: 'iso', make: isoImage, fields: ISO_LENGTH_FIELDS },
  {
    name: 'udf',
    format: 'iso',
    make: (patch) => udfImage(optional(patch)),
    fields: UDF_LENGTH_FIELDS,
  },
  {
    name: 'iso and udf',
    format: 'iso',
    make: (patch) => udfImage({ bridge: true, ...optional(patch) }),
    fields: UDF_LENGTH_FIELDS,
  },
  { name: 'luks1', format: 'luks', make: luks1Image, fields: LUKS1_LENGTH_FIELDS },
  {
    name: 'luks2',
    format: 'luks',
    make: (patch) => luks2Image(optional(patch)),
    fields: LUKS2_LENGTH_FIELDS,
  },
  { name: 'gpt', format: 'raw', make: gptDisk, fields: GPT_LENGTH_FIELDS },
  { name: 'mbr', format: 'raw', make: (patch) => mbrDisk([{}], patch), fields: [] },
  { name: 'ntfs', format: 'raw', make: () => fileSystem('ntfs'), fields: [] },
];

function optional(patch: Patch | undefined): { readonly patch?: Patch } {
  return patch === undefined ? {} : { patch };
}
