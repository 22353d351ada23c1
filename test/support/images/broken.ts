import { isoImage } from './iso9660.js';
import { luks1Image, luks2Image } from './luks.js';
import { qcowImage, qedImage } from './qcow.js';
import { qcow2Image, withBackingFile } from './qcow2.js';
import { UDF_AT, udfImage } from './udf.js';
import { vdiImage } from './vdi.js';
import { vhdDynamic, vhdFixed } from './vhd.js';
import { VHDX_ITEMS, vhdxImage } from './vhdx.js';
import { vmdkDescriptor, vmdkSparse, vmdkStream } from './vmdk.js';
import type { Patch } from './writer.js';

/** An image that breaks one rule, and the nearest one that breaks none. */
export type BrokenImage = {
  readonly rule: string;
  readonly format: string;
  /** Where the rule is broken. */
  readonly at: number;
  readonly good: Uint8Array;
  readonly bad: Uint8Array;
  /** Limit of the service, where it is that which is exceeded. */
  readonly maxVirtualSize?: number;
};

type Maker = (patch?: Patch) => Uint8Array;

const KIB = 1024;
const MIB = KIB * KIB;
const LAST_FOOTER = 512 + 1024 + 512;
const FIRST_HEADER = 64 * KIB;
const METADATA_ENTRY = 192 * KIB + 48;
const PRIMARY = 32768;

const qcow2: Maker = (patch) => qcow2Image(patch === undefined ? {} : { patch });
const vmdk: Maker = (patch) => vmdkSparse(patch === undefined ? {} : { patch });
const vhd: Maker = (patch) => vhdDynamic(patch === undefined ? {} : { patch });
const vhdHeader: Maker = (patch) => vhdDynamic(patch ? { patchDynamic: patch } : {});
const luks2: Maker = (patch) => luks2Image(patch === undefined ? {} : { patch });
const udf: Maker = (patch) => udfImage(patch === undefined ? {} : { patch });

/** Every kind of fault of every format of disks, one image each. */
export function brokenImages(): readonly BrokenImage[] {
  return [
    ...references(),
    ...features(),
    ...sizes(),
    ...malformed(),
    ...copies(),
    ...places(),
    ...cut(),
    ...several(),
  ];
}

function one(rule: string, format: string, at: number, make: Maker, patch: Patch): BrokenImage {
  return { rule, format, at, good: make(), bad: make(patch) };
}

function text(
  rule: string,
  createType: 'monolithicSparse' | 'streamOptimized',
  change: NonNullable<Parameters<typeof vmdkDescriptor>[0]>,
): BrokenImage {
  const make = createType === 'monolithicSparse' ? vmdkSparse : vmdkStream;
  const extents = ['RW 2048 SPARSE "disk.vmdk"'];
  const descriptor = vmdkDescriptor({ createType, extents, ...change });
  return { rule, format: 'vmdk', at: 512, good: make(), bad: make({ descriptor }) };
}

function references(): readonly BrokenImage[] {
  return [
    one('backing-file', 'qcow2', 8, qcow2, withBackingFile('/etc/passwd')),
    one('backing-file', 'qcow', 8, qcowImage, withBackingFile('/etc/passwd')),
    one('backing-file', 'qed', 56, qedImage, (writer) => {
      writer.u64le(16, 1).u32le(56, 64).u32le(60, 4).text(64, 'base');
    }),
    one('data-file', 'qcow2', 72, qcow2, (writer) => writer.u64be(72, 4)),
    text('external-extents', 'monolithicSparse', { extents: ['RW 2048 FLAT "/etc/passwd" 0'] }),
    text('extent-path', 'streamOptimized', { extents: ['RW 2048 SPARSE "/etc/passwd"'] }),
    text('create-type', 'monolithicSparse', { createType: 'vmfs' }),
    text('parent-image', 'monolithicSparse', { parentCid: '12345678' }),
    one('parent-image', 'vhd', 60, vhd, (writer) => writer.u32be(60, 4)),
    one('parent-image', 'vhdx', METADATA_ENTRY, vhdxImage, (writer) => {
      writer.u32le(VHDX_ITEMS.parameters + 4, 2);
    }),
    one('parent-image', 'vdi', 76, vdiImage, (writer) => writer.u32le(76, 4)),
    one('incomplete-image', 'vmdk', 28, vmdk, (writer) => writer.u64le(28, 0)),
    one('incomplete-image', 'luks', 104, luks1Image, (writer) => writer.u32be(104, 0)),
  ];
}

function features(): readonly BrokenImage[] {
  return [
    one('unknown-features', 'qcow2', 72, qcow2, (writer) => writer.u64be(72, 32)),
    one('unknown-features', 'qed', 16, qedImage, (writer) => writer.u64le(16, 512)),
    one('unknown-features', 'vmdk', 77, vmdk, (writer) => writer.u16le(77, 2)),
    one('unknown-features', 'vhd', 60, vhd, (writer) => writer.u32be(60, 9)),
    one('unknown-features', 'vhdx', 192 * KIB + 16, vhdxImage, (writer) => {
      writer.u8(192 * KIB + 16, 0);
    }),
    one('unknown-features', 'vdi', 76, vdiImage, (writer) => writer.u32le(76, 9)),
    one('unknown-features', 'luks', 72, luks2, (writer) => writer.text(72, 'md5\0\0\0')),
    one('unsupported-version', 'qcow2', 4, qcow2, (writer) => writer.u32be(4, 4)),
    one('unsupported-version', 'vmdk', 4, vmdk, (writer) => writer.u32le(4, 4)),
    one('unsupported-version', 'vhd', 12, vhd, (writer) => writer.u32be(12, 0x00020000)),
    one('unsupported-version', 'vhdx', FIRST_HEADER + 66, vhdxImage, (writer) => {
      writer.u16le(FIRST_HEADER + 66, 2);
    }),
    one('unsupported-version', 'luks', 6, luks1Image, (writer) => writer.u16be(6, 3)),
    one('unsupported-version', 'vdi', 68, vdiImage, (writer) => writer.u32le(68, 0x00020001)),
    one('corrupt-flag', 'qcow2', 72, qcow2, (writer) => writer.u64be(72, 2)),
    one('pending-log', 'vhdx', FIRST_HEADER + 48, vhdxImage, (writer) => {
      writer.u8(FIRST_HEADER + 48, 1);
    }),
  ];
}

function sizes(): readonly BrokenImage[] {
  const rule = 'virtual-size-limit';
  const huge = 2n ** 63n;
  return [
    one(rule, 'qcow2', 24, qcow2, (writer) => writer.u64be(24, huge)),
    one(rule, 'qcow', 24, qcowImage, (writer) => writer.u64be(24, huge)),
    one(rule, 'qed', 48, qedImage, (writer) => writer.u64le(48, huge)),
    one(rule, 'vmdk', 12, vmdk, (writer) => writer.u64le(12, 2n ** 54n)),
    { rule, format: 'vhd', at: 48, good: vhd(), bad: vhdDynamic({ virtualSize: 2041 * 2 ** 30 }) },
    one(rule, 'vhdx', VHDX_ITEMS.virtualSize, vhdxImage, (writer) => {
      writer.u64le(VHDX_ITEMS.virtualSize, 65n << 40n);
    }),
    one(rule, 'vdi', 368, vdiImage, (writer) => writer.u64le(368, huge)),
    {
      rule,
      format: 'luks',
      at: 4096,
      good: luks2(),
      bad: luks2Image({ segment: { size: '18446744073709551104' } }),
    },
    {
      rule,
      format: 'iso',
      at: 0,
      good: isoImage(),
      bad: Buffer.concat([isoImage(), Buffer.alloc(512)]),
      maxVirtualSize: isoImage().length,
    },
  ];
}

function malformed(): readonly BrokenImage[] {
  const rule = 'header-malformed';
  return [
    one(rule, 'qcow2', 20, qcow2, (writer) => writer.u32be(20, 30)),
    one(rule, 'qcow', 32, qcowImage, (writer) => writer.u8(32, 30)),
    one(rule, 'qed', 4, qedImage, (writer) => writer.u32le(4, 3)),
    one(rule, 'vmdk', 20, vmdk, (writer) => writer.u64le(20, 3)),
    one(rule, 'vhd', 512, vhdHeader, (writer) => writer.text(0, 'x')),
    one(rule, 'vhdx', METADATA_ENTRY, vhdxImage, (writer) => {
      writer.u32le(VHDX_ITEMS.parameters, 3 * MIB);
    }),
    one(rule, 'vdi', 376, vdiImage, (writer) => writer.u32le(376, 3)),
    one(rule, 'luks', 208, luks1Image, (writer) => writer.u32be(208, 0)),
    one(rule, 'iso', PRIMARY + 128, isoImage, (writer) => {
      writer.u16le(PRIMARY + 128, 2047).u16be(PRIMARY + 130, 2047);
    }),
  ];
}

function copies(): readonly BrokenImage[] {
  const [sums, differ] = ['header-checksum', 'copies-differ'];
  const newer = luks2((writer) => writer.u64be(16, 2));
  return [
    damaged(sums, 'vhd', 64, vhd(), [64]),
    damaged(sums, 'vhdx', FIRST_HEADER, vhdxImage(), [FIRST_HEADER + 9, 128 * KIB + 9]),
    damaged(sums, 'luks', 448, luks2(), [5000]),
    damaged(sums, 'iso', UDF_AT.main, udf(), [UDF_AT.main + 40]),
    damaged(differ, 'vhd', LAST_FOOTER + 48, vhd(), [LAST_FOOTER + 50]),
    one(differ, 'vhdx', 128 * KIB + 8, vhdxImage, (writer) => {
      writer.u64le(128 * KIB + 8, 2).u8(128 * KIB + 100, 1);
    }),
    text(differ, 'monolithicSparse', { extents: ['RW 4096 SPARSE "disk.vmdk"'] }),
    one(differ, 'iso', PRIMARY + 80, isoImage, (writer) => writer.u32be(PRIMARY + 84, 7)),
    { rule: differ, format: 'luks', at: 16384 + 16, good: luks2(), bad: newer },
  ];
}

function places(): readonly BrokenImage[] {
  const rule = 'outside-file';
  return [
    one(rule, 'qcow2', 40, qcow2, (writer) => writer.u64be(40, MIB)),
    one(rule, 'qcow', 40, qcowImage, (writer) => writer.u64be(40, 8192)),
    one(rule, 'qed', 40, qedImage, (writer) => writer.u64le(40, 8192)),
    one(rule, 'vmdk', 56, vmdk, (writer) => writer.u64le(56, 128)),
    one(rule, 'vhd', 512 + 16, vhdHeader, (writer) => writer.u64be(16, MIB)),
    one(rule, 'vhdx', FIRST_HEADER + 72, vhdxImage, (writer) => {
      writer.u64le(FIRST_HEADER + 72, 8 * MIB);
    }),
    one(rule, 'vdi', 340, vdiImage, (writer) => writer.u32le(340, MIB)),
    one(rule, 'luks', 104, luks1Image, (writer) => writer.u32be(104, 17)),
    one(rule, 'iso', UDF_AT.anchor + 16, udf, (writer) => {
      writer.u32le(UDF_AT.anchor + 20, 2 ** 31);
    }),
  ];
}

function cut(): readonly BrokenImage[] {
  const shorter = (format: string, at: number, good: Uint8Array, length: number): BrokenImage => {
    return { rule: 'truncated', format, at, good, bad: good.subarray(0, length) };
  };
  return [
    shorter('qcow2', 0, qcow2(), 80),
    shorter('qcow', 0, qcowImage(), 40),
    shorter('qed', 0, qedImage(), 60),
    shorter('vmdk', 0, vmdk(), 400),
    shorter('vhd', 0, vhd(), LAST_FOOTER),
    shorter('vhdx', 192 * KIB, vhdxImage(), 192 * KIB),
    shorter('vdi', 0, vdiImage(), 400),
    shorter('luks', 0, luks1Image(), 500),
    one('truncated', 'iso', PRIMARY + 80, isoImage, (writer) => {
      writer.u32le(PRIMARY + 80, 175).u32be(PRIMARY + 84, 175);
    }),
  ];
}

/** Each format with a disc in it; the disc's own descriptors are what is found. */
function several(): readonly BrokenImage[] {
  const images: readonly (readonly [string, Uint8Array])[] = [
    ['qcow2', qcow2()],
    ['qcow', qcowImage()],
    ['qed', qedImage()],
    ['vmdk', vmdk()],
    ['vhdx', vhdxImage()],
    ['vdi', vdiImage()],
    ['luks', luks1Image()],
  ];
  const disc = isoImage().subarray(PRIMARY);
  return [
    ...images.map(([format, good]): BrokenImage => {
      const bad = new Uint8Array(Math.max(good.length, PRIMARY + disc.length));
      bad.set(good);
      bad.set(disc, PRIMARY);
      return { rule: 'multiple-formats', format, at: PRIMARY + 1, good, bad };
    }),
    {
      rule: 'multiple-formats',
      format: 'qcow2',
      at: PRIMARY + 1,
      good: isoImage(),
      bad: isoImage((writer) => writer.set(0, qcow2())),
    },
    {
      rule: 'multiple-formats',
      format: 'qcow2',
      at: 16384,
      good: vhdFixed(new Uint8Array(16384)),
      bad: vhdFixed(qcow2()),
    },
    {
      rule: 'multiple-formats',
      format: 'qcow2',
      at: 510,
      good: qcow2(),
      bad: qcow2((writer) => writer.u16le(510, 0xaa55)),
    },
  ];
}

function damaged(
  rule: string,
  format: string,
  at: number,
  good: Uint8Array,
  places: readonly number[],
): BrokenImage {
  const bad = Uint8Array.from(good);
  for (const place of places) bad[place] = ((bad[place] ?? 0) + 1) & 0xff;
  return { rule, format, at, good, bad };
}
