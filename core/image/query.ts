import type { ImageStatus, Visibility } from './image.js';
import type { MemberStatus } from './member.js';

export type Comparison = 'eq' | 'neq' | 'gt' | 'gte' | 'lt' | 'lte';

/** Attributes of an image that have a column, in the API's words. */
export const COLUMN_ATTRIBUTES = [
  'id',
  'name',
  'status',
  'visibility',
  'owner',
  'disk_format',
  'container_format',
  'size',
  'virtual_size',
  'checksum',
  'os_hash_algo',
  'os_hash_value',
  'min_disk',
  'min_ram',
  'protected',
  'os_hidden',
  'created_at',
  'updated_at',
] as const;
export type ColumnAttribute = (typeof COLUMN_ATTRIBUTES)[number];

/** One condition of a list; all of them must hold. Dates for `created_at` and `updated_at`. */
export type ImageFilter =
  | {
      readonly kind: 'attribute';
      readonly name: ColumnAttribute;
      readonly comparison: Comparison;
      readonly value: string | number | boolean | Date;
    }
  | { readonly kind: 'in'; readonly name: ColumnAttribute; readonly values: readonly string[] }
  | { readonly kind: 'property'; readonly name: string; readonly value: string }
  | { readonly kind: 'tag'; readonly tag: string };

export const SORT_KEYS = [
  'name',
  'status',
  'container_format',
  'disk_format',
  'size',
  'id',
  'created_at',
  'updated_at',
] as const;
export type SortKey = (typeof SORT_KEYS)[number];

export interface ImageQuery {
  /**
   * Whose list it is. An admin sees all but other projects' community images unless `visibility`
   * asks for them; others see public images, their own and those shared with them.
   */
  readonly projectId: string | null;
  readonly isAdmin: boolean;
  /** `undefined`: the default list, without other projects' community images. */
  readonly visibility: Visibility | 'all' | undefined;
  /** Which answers put an image of another project into the list of the caller's. */
  readonly memberStatus: MemberStatus | 'all';
  readonly filters: readonly ImageFilter[];
  /** `id` is always the last key, so that the order is total. */
  readonly sort: readonly { readonly key: SortKey; readonly direction: 'asc' | 'desc' }[];
  /** The image after which the page begins. */
  readonly marker: string | undefined;
  readonly limit: number;
}

/** Statuses in which an image is in lists. */
export const LISTED_STATUSES: readonly ImageStatus[] = [
  'queued',
  'saving',
  'uploading',
  'importing',
  'active',
  'deactivated',
];
