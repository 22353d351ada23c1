import type { Finding } from './inspection.js';

/** One safety rule of the inspectors: what it forbids and what the sender of the image can do. */
export type SafetyRule = {
  /** Name in kebab-case; stable, since deployers write it into their configuration. */
  readonly rule: string;
  /** `unsafe` refuses the image; `note` only informs. */
  readonly severity: Finding['severity'];
  /** The formats that can break it; `*` where each can. */
  readonly formats: readonly string[];
  readonly summary: string;
  readonly hint: string;
};

/** All rules that a finding may name, sorted by severity and subject. */
export const RULES = [
  {
    rule: 'backing-file',
    severity: 'unsafe',
    formats: ['qcow2', 'qcow', 'qed'],
    summary: 'The image reads through to another file that its header names',
    hint: 'Flatten it into one file: qemu-img convert -O qcow2 INPUT OUTPUT',
  },
  {
    rule: 'data-file',
    severity: 'unsafe',
    formats: ['qcow2'],
    summary: 'The guest data is kept in another file that the header names',
    hint: 'Flatten it into one file: qemu-img convert -O qcow2 INPUT OUTPUT',
  },
  {
    rule: 'external-extents',
    severity: 'unsafe',
    formats: ['vmdk'],
    summary: 'The descriptor takes extents from other files or devices',
    hint: 'Send one file: qemu-img convert -O vmdk -o subformat=streamOptimized INPUT OUTPUT',
  },
  {
    rule: 'create-type',
    severity: 'unsafe',
    formats: ['vmdk'],
    summary: 'The createType is neither monolithicSparse nor streamOptimized',
    hint: 'Send one file: qemu-img convert -O vmdk -o subformat=streamOptimized INPUT OUTPUT',
  },
  {
    rule: 'parent-image',
    severity: 'unsafe',
    formats: ['vmdk', 'vhd', 'vhdx', 'vdi'],
    summary: 'The image holds only the differences to a parent image',
    hint: 'Merge the chain of images into one and send that',
  },
  {
    rule: 'incomplete-image',
    severity: 'unsafe',
    formats: ['vmdk', 'luks'],
    summary: 'The file is one part of an image that consists of several files',
    hint: 'Join the parts into one file and send that',
  },
  {
    rule: 'unknown-features',
    severity: 'unsafe',
    formats: ['qcow2', 'qed', 'vmdk', 'vhd', 'vhdx', 'vdi'],
    summary: 'The image needs a feature that the inspector does not know',
    hint: 'Convert it with the program that wrote it, without the feature that is named',
  },
  {
    rule: 'unsupported-version',
    severity: 'unsafe',
    formats: ['qcow2', 'vmdk', 'vhd', 'vhdx', 'vdi', 'luks'],
    summary: 'The format version is not one that the inspector knows',
    hint: 'Convert it to a version that is named in the documentation of the formats',
  },
  {
    rule: 'virtual-size-limit',
    severity: 'unsafe',
    formats: ['*'],
    summary: 'The virtual size is above the limit of the format or of this service',
    hint: 'Check the size with qemu-img info and send a smaller disk',
  },
  {
    rule: 'header-malformed',
    severity: 'unsafe',
    formats: ['*'],
    summary: 'A header field has a value that the specification of the format forbids',
    hint: 'The file is damaged or was made to look so; write it anew with qemu-img convert',
  },
  {
    rule: 'header-checksum',
    severity: 'unsafe',
    formats: ['vhd', 'vhdx', 'luks'],
    summary: 'A header does not match its own checksum',
    hint: 'The file is damaged; send it again or write it anew with qemu-img convert',
  },
  {
    rule: 'copies-differ',
    severity: 'unsafe',
    formats: ['vhd', 'vmdk', 'iso'],
    summary: 'Two copies of the same header field disagree, so that readers differ too',
    hint: 'The file is damaged; write it anew with the program that made it',
  },
  {
    rule: 'outside-file',
    severity: 'unsafe',
    formats: ['qcow2', 'qcow', 'qed', 'vmdk', 'vhd', 'vhdx', 'vdi', 'luks'],
    summary: 'A table or structure lies behind the end of the file',
    hint: 'The file is damaged or incomplete; send it again',
  },
  {
    rule: 'truncated',
    severity: 'unsafe',
    formats: ['*'],
    summary: 'The file is shorter than its own headers say',
    hint: 'The file is incomplete; send it again',
  },
  {
    rule: 'corrupt-flag',
    severity: 'unsafe',
    formats: ['qcow2'],
    summary: 'The program that last wrote the image has marked it as corrupt',
    hint: 'Repair it first: qemu-img check -r all INPUT',
  },
  {
    rule: 'pending-log',
    severity: 'unsafe',
    formats: ['vhdx'],
    summary: 'The log holds writes that are not in the image yet',
    hint: 'Open the image once with the program that wrote it, or: qemu-img check -r all INPUT',
  },
  {
    rule: 'multiple-formats',
    severity: 'unsafe',
    formats: ['*'],
    summary: 'The bytes are valid in two formats, so that two readers see two disks',
    hint: 'Write it anew in one format with qemu-img convert -f FORMAT',
  },
  {
    rule: 'foreign-format',
    severity: 'unsafe',
    formats: ['parallels', 'bochs', 'cloop', 'dmg', 'e01'],
    summary: 'The bytes are a disk format that is recognised but not inspected',
    hint: 'Convert it to raw or qcow2 before you send it',
  },
  {
    rule: 'archive-members',
    severity: 'unsafe',
    formats: ['zip', '7z', 'tar', 'ova'],
    summary: 'The bytes are an archive whose members are not inspected',
    hint: 'Unpack the archive and send the disk image that it holds',
  },
  {
    rule: 'inspector-failed',
    severity: 'unsafe',
    formats: ['*'],
    summary: 'An inspector failed on the bytes, so that nothing is known of their safety',
    hint: 'Report this with the image: it is a defect of Stowage',
  },
  {
    rule: 'compressed-data',
    severity: 'note',
    formats: ['gz', 'xz', 'zst', 'bz2', 'lzma', 'lz4'],
    summary: 'The bytes are compressed: what they hold is judged once it is unpacked',
    hint: 'Unpack the image, or import it through a pipeline that unpacks',
  },
  {
    rule: 'encrypted',
    severity: 'note',
    formats: ['qcow2', 'qcow', 'luks'],
    summary: 'The guest data is encrypted, so that nothing is known of it',
    hint: 'Keep the secret where those who start the image find it',
  },
  {
    rule: 'not-closed-cleanly',
    severity: 'note',
    formats: ['qcow2', 'qed', 'vmdk', 'vhd'],
    summary: 'The program that wrote the image did not close it; the last writes may be missing',
    hint: 'Check it: qemu-img check INPUT',
  },
  {
    rule: 'extent-path',
    severity: 'note',
    formats: ['vmdk'],
    summary: 'The one extent of a stream names a path; readers of this type ignore it',
    hint: 'Nothing to do',
  },
  {
    rule: 'partition-table',
    severity: 'note',
    formats: ['raw', 'iso', 'vhd'],
    summary: 'The partition table is damaged or does not fit the disk',
    hint: 'Check it with sgdisk --verify or sfdisk --verify',
  },
] as const satisfies readonly SafetyRule[];

/** Name of a rule in {@link RULES}. */
export type RuleName = (typeof RULES)[number]['rule'];

const RULES_BY_NAME = new Map<string, SafetyRule>(RULES.map((rule) => [rule.rule, rule]));

/** Makes a finding of a documented rule, with the rule's severity and hint. */
export function finding(rule: RuleName, offset: number, message: string): Finding {
  const { severity = 'unsafe', hint = '' } = RULES_BY_NAME.get(rule) ?? {};
  return { rule, severity, offset, message, hint };
}
