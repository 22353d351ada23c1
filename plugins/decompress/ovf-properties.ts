import type { Image, Inspection } from '../../core/api.js';

/** Properties with this prefix say what an OVF descriptor tells of its virtual machine. */
export const OVF_PROPERTY_PREFIX = 'stowage_ovf_';

/** Nova's `hw_firmware_type` by the firmware that VMware's descriptors name. */
const FIRMWARE: Readonly<Record<string, string>> = { bios: 'bios', efi: 'uefi' };

/**
 * The facts of the descriptor. Two have names that Nova reads: `vmware_ostype` takes VMware's guest
 * ids as they stand there, `hw_firmware_type` has as many values. What the user has set stays.
 */
export function ovfProperties(
  { metadata }: Inspection,
  { properties }: Pick<Image, 'properties'>,
): Readonly<Record<string, string>> {
  const { ovf } = metadata;
  const facts = typeof ovf === 'object' && ovf !== null && !Array.isArray(ovf) ? ovf : {};
  const told = Object.entries(facts).filter(
    (fact): fact is [string, string] => typeof fact[1] === 'string',
  );
  const { os_type: osType, firmware = '' } = Object.fromEntries(told);
  const firmwareType = FIRMWARE[firmware];
  const known = {
    ...(osType === undefined ? {} : { vmware_ostype: osType }),
    ...(firmwareType === undefined ? {} : { hw_firmware_type: firmwareType }),
  };
  return {
    ...Object.fromEntries(told.map(([name, value]) => [`${OVF_PROPERTY_PREFIX}${name}`, value])),
    ...Object.fromEntries(Object.entries(known).filter(([name]) => !(name in properties))),
  };
}
