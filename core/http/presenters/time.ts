/** ISO 8601 in UTC with whole seconds, as every time of the Image API. */
export function presentTime(time: Date): string {
  return `${time.toISOString().slice(0, 19)}Z`;
}
