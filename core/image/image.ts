/**
 * The catalogue record of the Image API. Plain data: rules about it stand beside it in this folder.
 */
export const IMAGE_STATUSES = [
  'queued',
  'saving',
  'uploading',
  'importing',
  'active',
  'deactivated',
  'killed',
  'deleted',
  'pending_delete',
] as const;
export type ImageStatus = (typeof IMAGE_STATUSES)[number];

export const VISIBILITIES = ['public', 'community', 'shared', 'private'] as const;
export type Visibility = (typeof VISIBILITIES)[number];

export const DISK_FORMATS = [
  'ami',
  'ari',
  'aki',
  'vhd',
  'vhdx',
  'vmdk',
  'raw',
  'qcow2',
  'vdi',
  'ploop',
  'iso',
] as const;
export type DiskFormat = (typeof DISK_FORMATS)[number];

export const CONTAINER_FORMATS = [
  'ami',
  'ari',
  'aki',
  'bare',
  'ovf',
  'ova',
  'docker',
  'compressed',
] as const;
export type ContainerFormat = (typeof CONTAINER_FORMATS)[number];

/** One image. `null` is a value that the API shows as null; sizes are bytes ≤ 2^53−1. */
export interface Image {
  readonly id: string;
  readonly name: string | null;
  readonly status: ImageStatus;
  readonly visibility: Visibility;
  /** Project that owns the image. */
  readonly owner: string | null;
  readonly diskFormat: DiskFormat | null;
  readonly containerFormat: ContainerFormat | null;
  /** Bytes of the stored data; `null` until they are known. */
  readonly size: number | null;
  /** Bytes that a guest sees. */
  readonly virtualSize: number | null;
  /** md5 of the data in hex: the API's legacy field. */
  readonly checksum: string | null;
  readonly osHashAlgo: string | null;
  readonly osHashValue: string | null;
  /** GiB. */
  readonly minDisk: number;
  /** MiB. */
  readonly minRam: number;
  readonly protected: boolean;
  readonly osHidden: boolean;
  readonly tags: readonly string[];
  /** Projects that the image is shared with, whatever they answered; they see it while it is `shared`. */
  readonly memberIds: readonly string[];
  /** Every other property of the image, by name; values are strings. */
  readonly properties: Readonly<Record<string, string>>;
  readonly createdAt: Date;
  readonly updatedAt: Date;
}

/** Attributes of an image that have a column of their own and that a caller or plugin may change. */
export interface ImageAttributes {
  readonly name: string | null;
  readonly visibility: Visibility;
  readonly owner: string | null;
  readonly diskFormat: DiskFormat | null;
  readonly containerFormat: ContainerFormat | null;
  readonly minDisk: number;
  readonly minRam: number;
  readonly protected: boolean;
  readonly osHidden: boolean;
  readonly tags: readonly string[];
}

/** Attributes that only the engine sets: they speak of the bytes. */
export interface ImageData {
  readonly size: number | null;
  readonly virtualSize: number | null;
  readonly checksum: string | null;
  readonly osHashAlgo: string | null;
  readonly osHashValue: string | null;
}

/**
 * A change of an image. A key that is absent stays as it is. In `properties` a string sets and
 * `null` removes.
 */
export type ImagePatch = Partial<ImageAttributes> & {
  readonly properties?: Readonly<Record<string, string | null>>;
};
