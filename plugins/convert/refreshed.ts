import { DISK_PROPERTY_PREFIX, diskProperties } from '../../core/api.js';
import type { Image, Inspection } from '../../core/api.js';

/**
 * Changes to the properties that tell of the bytes before a conversion: what an earlier task has
 * published is published anew, and what speaks of a VMDK that is gone goes. An adapter that the
 * source does not name is the user's choice and stays.
 */
export function refreshed(
  before: Inspection,
  after: Inspection,
  { properties }: Pick<Image, 'properties'>,
): Readonly<Record<string, string | null>> {
  const told = diskProperties(before, { properties: {} });
  const stale = ['vmware_disktype', 'vmware_adaptertype'].filter(
    (name) => name in properties && (name === 'vmware_disktype' || properties[name] === told[name]),
  );
  const kept = Object.entries(properties).filter(([name]) => !stale.includes(name));
  const fresh = diskProperties(after, { properties: Object.fromEntries(kept) });
  const isPublished = kept.some(([name]) => name.startsWith(DISK_PROPERTY_PREFIX));
  return Object.fromEntries([
    ...stale.map((name) => [name, null] as const),
    ...Object.entries(fresh).filter(([name]) => isPublished || stale.includes(name)),
  ]);
}
