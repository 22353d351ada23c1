import type { Json, JsonObject } from '../../base/json.js';
import type { Inspection } from '../../format/inspection.js';
import type { Image } from '../../image/image.js';

/** Properties with this prefix say what the inspector has found in the image's current bytes. */
export const DISK_PROPERTY_PREFIX = 'stowage_disk_';

/** The Image API's limit for a value, in characters. */
const MAX_VALUE_LENGTH = 255;

/**
 * What Nova's VMware driver calls them: nova/virt/vmwareapi/constants.py, `DISK_TYPE_*` and
 * `ADAPTER_TYPE_*`; also in Glance's metadata definitions, "VMware Driver Options for Images".
 */
const VMWARE_DISK_TYPES: Readonly<Record<string, string>> = {
  streamOptimized: 'streamOptimized',
  monolithicSparse: 'sparse',
  monolithicFlat: 'preallocated',
};
const VMWARE_ADAPTER_TYPES: Readonly<Record<string, string>> = {
  ide: 'ide',
  buslogic: 'busLogic',
  lsilogic: 'lsiLogic',
  lsisas1068: 'lsiLogicsas',
  pvscsi: 'paraVirtual',
};

/**
 * The properties that describe a disk, as a patch for a draft: sets what the inspection tells, and
 * removes what an earlier one has told of bytes that are no longer the image's. A task that replaces
 * the data of an image that carries such properties proposes them anew.
 */
export function diskProperties(
  inspection: Inspection,
  image: Pick<Image, 'properties'>,
): Readonly<Record<string, string | null>> {
  const stale = Object.keys(image.properties)
    .filter((name) => name.startsWith(DISK_PROPERTY_PREFIX))
    .map((name) => [name, null]);
  return {
    ...(Object.fromEntries(stale) as Record<string, null>),
    ...facts(inspection),
    ...vmwareProperties(inspection, image),
  };
}

function facts({ format, subformat, metadata }: Inspection): Record<string, string> {
  const { encryption } = metadata;
  const told: Record<string, Json | undefined> = {
    format,
    subformat,
    compatibility: metadata['compat'],
    version: metadata['version'],
    cluster_size: metadata['cluster_size'] ?? metadata['grain_size'] ?? metadata['block_size'],
    compression_type: compression(metadata),
    encryption: encryption === 'none' ? undefined : encryption,
    snapshot_count: metadata['snapshot_count'] === 0 ? undefined : metadata['snapshot_count'],
    partition_table: metadata['partition_table'],
    partition_count: metadata['partition_count'],
    creator: metadata['creator'] ?? metadata['creator_application'] ?? metadata['application'],
    geometry: geometry(metadata['geometry']),
    volume_id: metadata['volume_id'],
  };
  const published: Record<string, string> = {};
  for (const [name, value] of Object.entries(told)) {
    if (typeof value !== 'string' && typeof value !== 'number') continue;
    const text = String(value).trim().slice(0, MAX_VALUE_LENGTH);
    if (text !== '') published[`${DISK_PROPERTY_PREFIX}${name}`] = text;
  }
  return published;
}

/** A VMDK says that its grains are compressed, and there is one way; a qcow2 only says which. */
function compression({ compressed, compression_type }: JsonObject): Json | undefined {
  if (compressed === true) return 'deflate';
  return compression_type;
}

/** A VHD's as "cylinders/heads/sectors". */
function geometry(value: Json | undefined): string | undefined {
  if (typeof value !== 'object' || value === null || !('cylinders' in value)) return undefined;
  return [value['cylinders'], value['heads'], value['sectors']].map(String).join('/');
}

/** The adapter is also the user's to choose; the disk type is a fact. */
function vmwareProperties(
  { format, subformat = '', metadata }: Inspection,
  { properties }: Pick<Image, 'properties'>,
): Record<string, string> {
  const diskType = format === 'vmdk' ? VMWARE_DISK_TYPES[subformat] : undefined;
  if (diskType === undefined) return {};
  const { adapter_type: told } = metadata;
  const adapter = typeof told === 'string' ? VMWARE_ADAPTER_TYPES[told.toLowerCase()] : undefined;
  return {
    vmware_disktype: diskType,
    ...(adapter === undefined || 'vmware_adaptertype' in properties
      ? {}
      : { vmware_adaptertype: adapter }),
  };
}
