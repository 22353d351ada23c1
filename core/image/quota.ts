/** What a project may have limits of, in the words of Keystone's unified limits for image services. */
export const QUOTAS = [
  'image_size_total',
  'image_stage_total',
  'image_count_total',
  'image_count_uploading',
] as const;

export type QuotaName = (typeof QUOTAS)[number];

/** Bytes where the name says size or stage, images where it says count. */
export type QuotaUsage = Readonly<Record<QuotaName, number>>;

/** In the same units; what is not named has no limit. */
export type QuotaLimits = Readonly<Partial<Record<QuotaName, number>>>;

export function isQuotaOfBytes(name: QuotaName): boolean {
  return name === 'image_size_total' || name === 'image_stage_total';
}
