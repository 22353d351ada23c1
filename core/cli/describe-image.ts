import { formatByteSize } from '../base/byte-size.js';
import type { ImageResource } from './wire.js';

/** An image for people: its data first, then the properties that were found in it. */
export function describeImage(image: ImageResource): readonly string[] {
  const { id, name, status, disk_format, container_format, size, virtual_size, ...rest } = image;
  const lines: [string, unknown][] = [
    ['id', id],
    ['name', name],
    ['status', status],
    ['disk_format', disk_format],
    ['container_format', container_format],
    ['size', bytes(size)],
    ['virtual_size', bytes(virtual_size)],
    ...['os_hash_algo', 'os_hash_value', 'checksum', 'stores'].map((key): [string, unknown] => [
      key,
      rest[key],
    ]),
    ...Object.entries(rest).filter(([key]) => !ATTRIBUTES.has(key)),
  ];
  const shown = lines.filter(([, value]) => value !== undefined && value !== null && value !== '');
  const width = Math.max(...shown.map(([key]) => key.length));
  return shown.map(([key, value]) => {
    const text = typeof value === 'string' ? value : JSON.stringify(value);
    return `  ${key.padEnd(width)}  ${text}`;
  });
}

/** Attributes of the Image API that say nothing of what was imported, or stand further up. */
const ATTRIBUTES = new Set([
  ...['os_hash_algo', 'os_hash_value', 'checksum', 'stores', 'owner', 'visibility', 'protected'],
  ...['os_hidden', 'min_disk', 'min_ram', 'tags', 'created_at', 'updated_at'],
  ...['self', 'file', 'schema', 'locations', 'direct_url', 'owner_specified'],
]);

function bytes(count: number | null): string | null {
  return count === null ? null : `${count} (${formatByteSize(count)})`;
}
