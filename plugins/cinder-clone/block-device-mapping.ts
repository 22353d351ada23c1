import { InvalidInputError, z } from '../../core/api.js';

/** Devices of one server, far more than any has. */
const MAX_DEVICES = 64;

const text = z.string().max(255);
/** What Nova keeps of a device beside its source: nova/objects/block_device.py. */
const common = {
  boot_index: z.int().nullish(),
  device_name: text.nullish(),
  device_type: text.nullish(),
  disk_bus: text.nullish(),
  guest_format: text.nullish(),
  volume_size: z.int().min(0).nullish(),
  volume_type: text.nullish(),
  tag: text.nullish(),
  no_device: z.boolean().nullish(),
  delete_on_termination: z.boolean().default(false),
  destination_type: z.enum(['volume', 'local']).default('volume'),
};
const absent = z.null().optional();

const BlockDevice = z.discriminatedUnion('source_type', [
  z.strictObject({
    ...common,
    source_type: z.literal('snapshot'),
    snapshot_id: z.guid(),
    volume_id: absent,
    image_id: absent,
  }),
  z.strictObject({
    ...common,
    source_type: z.literal('volume'),
    volume_id: z.guid(),
    snapshot_id: absent,
    image_id: absent,
  }),
  z.strictObject({
    ...common,
    source_type: z.literal('image'),
    image_id: z.guid(),
    snapshot_id: absent,
    volume_id: absent,
  }),
  z.strictObject({
    ...common,
    source_type: z.literal('blank'),
    image_id: absent,
    snapshot_id: absent,
    volume_id: absent,
  }),
]);
export type BlockDevice = z.output<typeof BlockDevice>;

/** The devices of a server, as Nova keeps them with the image of one. */
export const BlockDeviceMapping = z.array(BlockDevice).min(1).max(MAX_DEVICES);

/** The device that a server boots from. */
export interface Root {
  readonly device: BlockDevice;
  readonly sourced: { readonly volume_id: string } | { readonly snapshot_id: string };
}

/** @throws {InvalidInputError} `ROOT_UNFIT` unless one volume or snapshot is booted from */
export function rootOf(mapping: readonly BlockDevice[]): Root {
  const roots = mapping.filter(({ boot_index }) => boot_index === 0);
  const [device] = roots;
  if (roots.length === 1 && device?.source_type === 'snapshot') {
    return { device, sourced: { snapshot_id: device.snapshot_id } };
  }
  if (roots.length === 1 && device?.source_type === 'volume') {
    return { device, sourced: { volume_id: device.volume_id } };
  }
  throw new InvalidInputError({
    code: 'ROOT_UNFIT',
    message: `One device must have boot_index 0, and be a snapshot or a volume; ${roots.length} have it`,
    hint: 'The image holds what a server boots from',
  });
}

/** The properties by which Nova makes the devices of a server. */
export function mappingProperties(
  mapping: readonly BlockDevice[],
  { device_name }: BlockDevice,
): Readonly<Record<string, string>> {
  return {
    block_device_mapping: JSON.stringify(mapping),
    bdm_v2: 'True',
    ...(device_name == null ? {} : { root_device_name: device_name }),
  };
}
