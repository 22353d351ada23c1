import type { Finding } from './inspection.js';

/** One safety rule of the inspectors: what it forbids, why, and what can be done. */
export type SafetyRule = {
  /** Name in kebab-case; stable, since deployers write it into their configuration. */
  readonly rule: string;
  /** `unsafe` refuses the image; `note` only informs. */
  readonly severity: Finding['severity'];
  /** The formats that can break it; `*` where each can. */
  readonly formats: readonly string[];
  /** What is found. */
  readonly summary: string;
  /** What harm it would do. */
  readonly why: string;
  /** What the sender of the image can do. */
  readonly hint: string;
  /** What a deployer who relaxes the rule takes upon them; of `unsafe` rules only. */
  readonly relaxed?: string;
};

/** All rules that a finding may name, sorted by severity and subject. */
export const RULES = [
  {
    rule: 'backing-file',
    severity: 'unsafe',
    formats: ['qcow2', 'qcow', 'qed'],
    summary: 'The image reads through to another file that its header names',
    why: "A program that opens the image opens that file too, by whatever path the sender wrote: a file of the host, another tenant's disk or a network address (CVE-2024-32498, CVE-2015-5163)",
    hint: 'Flatten it into one file: qemu-img convert -O qcow2 INPUT OUTPUT',
    relaxed: 'Any sender can read what the programs of the host can read',
  },
  {
    rule: 'data-file',
    severity: 'unsafe',
    formats: ['qcow2'],
    summary: 'The guest data is kept in another file that the header names',
    why: 'The image is a list of places in a file of the host that the sender names (CVE-2024-32498)',
    hint: 'Flatten it into one file: qemu-img convert -O qcow2 INPUT OUTPUT',
    relaxed: 'Any sender can read what the programs of the host can read',
  },
  {
    rule: 'external-extents',
    severity: 'unsafe',
    formats: ['vmdk'],
    summary: 'The descriptor takes extents from other files or devices',
    why: 'A program that opens the descriptor opens the files and devices of the host that it names (CVE-2022-47951)',
    hint: 'Send one file: qemu-img convert -O vmdk -o subformat=streamOptimized INPUT OUTPUT',
    relaxed: 'Any sender can read what the programs of the host can read',
  },
  {
    rule: 'extent-path',
    severity: 'unsafe',
    formats: ['vmdk'],
    summary: 'The one extent of a stream names a path, which readers of streams should not follow',
    why: 'Readers find the extent of a stream in the stream itself; one that looks for the path would open a file of the host',
    hint: 'Write it anew: qemu-img convert -O vmdk -o subformat=streamOptimized INPUT OUTPUT',
    relaxed: 'Sound where every reader of your images is known to ignore the path, as QEMU does',
  },
  {
    rule: 'create-type',
    severity: 'unsafe',
    formats: ['vmdk'],
    summary: 'The createType is neither monolithicSparse nor streamOptimized',
    why: 'Only these two are complete in one file; readers choose by the createType what else they open (CVE-2022-47951)',
    hint: 'Send one file: qemu-img convert -O vmdk -o subformat=streamOptimized INPUT OUTPUT',
    relaxed: 'Images come in that lack parts, or name them on the host',
  },
  {
    rule: 'parent-image',
    severity: 'unsafe',
    formats: ['vmdk', 'vhd', 'vhdx', 'vdi', 'ova'],
    summary: 'The image holds only the differences to a parent image',
    why: 'A reader looks for the parent by the path or the identifier that the sender wrote',
    hint: 'Merge the chain of images into one and send that',
    relaxed: 'Any sender can read what the programs of the host can read',
  },
  {
    rule: 'incomplete-image',
    severity: 'unsafe',
    formats: ['vmdk', 'luks'],
    summary: 'The file is one part of an image that consists of several files',
    why: 'The guest would see no disk, or a reader would look for the missing part on the host',
    hint: 'Join the parts into one file and send that',
    relaxed: 'Images come in that cannot be used',
  },
  {
    rule: 'unknown-features',
    severity: 'unsafe',
    formats: ['qcow2', 'qed', 'vmdk', 'vhd', 'vhdx', 'vdi', 'luks', 'zip', 'ova'],
    summary: 'The image needs a feature that the inspector does not know',
    why: 'What it does not know it cannot judge: the feature may name another file, as the external data file of qcow2 once was such a feature',
    hint: 'Convert it with the program that wrote it, without the feature that is named',
    relaxed: 'Images come in of whose safety nothing is known',
  },
  {
    rule: 'unsupported-version',
    severity: 'unsafe',
    formats: ['qcow2', 'vmdk', 'vhd', 'vhdx', 'luks', 'vdi'],
    summary: 'The format version is not one that the inspector knows',
    why: 'The fields of another version may mean other things',
    hint: 'Convert it to a version that is named in the documentation of the formats',
    relaxed: 'Images come in of whose safety nothing is known',
  },
  {
    rule: 'virtual-size-limit',
    severity: 'unsafe',
    formats: ['*'],
    summary: 'The virtual size is above the limit of the format or of this service',
    why: 'A few bytes can claim a disk of exbibytes, which readers then reserve, overflow or fill',
    hint: 'Check the size with qemu-img info and send a smaller disk',
    relaxed:
      'Raise images.max_virtual_size instead: relaxed, limits of the formats do not hold either',
  },
  {
    rule: 'header-malformed',
    severity: 'unsafe',
    formats: ['*'],
    summary: 'A header field has a value that the specification of the format forbids',
    why: 'Readers differ in what they make of it, and parsers break on it',
    hint: 'The file is damaged or was made to look so; write it anew with qemu-img convert',
    relaxed: 'Programs that parse images are given bytes that were made to break them',
  },
  {
    rule: 'header-checksum',
    severity: 'unsafe',
    formats: ['vhd', 'vhdx', 'luks', 'iso', 'xz'],
    summary: 'A header does not match its own checksum',
    why: 'The header was changed after it was written, by a fault or by hand',
    hint: 'The file is damaged; send it again or write it anew with qemu-img convert',
    relaxed:
      'Sound where your writers are known to leave checksums wrong; the other rules still hold',
  },
  {
    rule: 'copies-differ',
    severity: 'unsafe',
    formats: ['vhd', 'vhdx', 'vmdk', 'iso', 'luks', 'zip', 'ova'],
    summary: 'Two copies of the same header field disagree, so that readers differ too',
    why: 'What one reader judged another does not see: a check reads one copy, the hypervisor the other',
    hint: 'The file is damaged; write it anew with the program that made it',
    relaxed: 'A sender can show the inspector one disk and the hypervisor another',
  },
  {
    rule: 'outside-file',
    severity: 'unsafe',
    formats: ['qcow2', 'qcow', 'qed', 'vmdk', 'vhd', 'vhdx', 'vdi', 'luks', 'iso'],
    summary: 'A table or structure lies behind the end of the file',
    why: 'The file is cut, or an offset was made to break the arithmetic of parsers',
    hint: 'The file is damaged or incomplete; send it again',
    relaxed: 'Programs that parse images are given bytes that were made to break them',
  },
  {
    rule: 'truncated',
    severity: 'unsafe',
    formats: ['*'],
    summary: 'The file is shorter than its own headers say',
    why: 'A transfer that was cut gives a disk that starts and then loses its data',
    hint: 'The file is incomplete; send it again',
    relaxed: 'Half images become active',
  },
  {
    rule: 'corrupt-flag',
    severity: 'unsafe',
    formats: ['qcow2'],
    summary: 'The program that last wrote the image has marked it as corrupt',
    why: 'Programs refuse to write to it, and its tables may overlap',
    hint: 'Repair it first: qemu-img check -r all INPUT',
    relaxed: 'Images come in that hypervisors refuse to start',
  },
  {
    rule: 'pending-log',
    severity: 'unsafe',
    formats: ['vhdx'],
    summary: 'The log holds writes that are not in the image yet',
    why: 'A reader that does not replay the log sees another disk than one that does, and a replay changes bytes whose digest is known',
    hint: 'Open the image once with the program that wrote it, or: qemu-img check -r all INPUT',
    relaxed:
      'Sound only where every reader replays the log; the bytes then differ from their digest',
  },
  {
    rule: 'multiple-formats',
    severity: 'unsafe',
    formats: ['*'],
    summary: 'The bytes are valid in two formats, so that two readers see two disks',
    why: 'A check judges the one format, the hypervisor opens the other',
    hint: 'Write it anew in one format with qemu-img convert -f FORMAT',
    relaxed: 'A sender can show the inspector one disk and the hypervisor another',
  },
  {
    rule: 'foreign-format',
    severity: 'unsafe',
    formats: ['parallels', 'bochs', 'cloop', 'dmg', 'e01'],
    summary: 'The bytes are a disk format that is recognised but not inspected',
    why: 'Programs that probe formats would open it, and nothing is known of what it refers to',
    hint: 'Convert it to raw or qcow2 before you send it',
    relaxed: 'Images come in of whose safety nothing is known',
  },
  {
    rule: 'archive-members',
    severity: 'unsafe',
    formats: ['7z', 'tar', 'ova'],
    summary: 'The bytes are an archive whose members are not inspected',
    why: 'What is in it is not what was judged',
    hint: 'Unpack the archive and send the disk image that it holds',
    relaxed: 'Archives come in, whose content nobody has looked at',
  },
  {
    rule: 'member-count',
    severity: 'unsafe',
    formats: ['zip'],
    summary: 'The archive does not hold exactly one file',
    why: 'A reader that takes the first file and one that takes the largest see two disks',
    hint: 'Pack one disk image by itself, or send it as it is',
    relaxed: 'Which member becomes the image is the choice of whoever reads the archive',
  },
  {
    rule: 'member-path',
    severity: 'unsafe',
    formats: ['zip', 'tar', 'ova'],
    summary: 'The name of a member is absolute or leads out of the archive',
    why: 'A program that unpacks by name writes where the sender wants',
    hint: 'Pack the file anew under a plain name, without folders above it',
    relaxed: 'Whoever unpacks the archive by name can have files of the host overwritten',
  },
  {
    rule: 'member-type',
    severity: 'unsafe',
    formats: ['zip', 'tar', 'ova'],
    summary: 'A member is a link, a device or another thing that is no plain file',
    why: 'A link stands for a file of the host that unpacks it',
    hint: 'Pack the file itself',
    relaxed: 'Whoever unpacks the archive by name can be led to other files of the host',
  },
  {
    rule: 'ambiguous-archive',
    severity: 'unsafe',
    formats: ['zip', 'ova'],
    summary: 'Two readers of the archive may see different members',
    why: 'What one reader judged another does not see: a check reads one member, the importer the other',
    hint: 'Pack the disk image anew with a common program',
    relaxed: 'A sender can show the inspector one disk and the reader another',
  },
  {
    rule: 'external-files',
    severity: 'unsafe',
    formats: ['ova'],
    summary: 'The OVF descriptor names a file that is not in the archive',
    why: 'Whoever imports the package opens what the descriptor names: a file of the host, or a network address',
    hint: 'Export the virtual machine again, as one file with all of its disks',
    relaxed: 'Readers of the package can be led to files of the host and to other machines',
  },
  {
    rule: 'xml-entities',
    severity: 'unsafe',
    formats: ['ova'],
    summary: 'The OVF descriptor declares or uses entities of its own, which are not read',
    why: 'Entities read files and addresses (XXE), or grow to gigabytes (billion laughs)',
    hint: 'Write the descriptor without a DTD, with what the entities stand for',
    relaxed:
      'Readers of the descriptor with a weaker parser are open to both; Stowage reads no entity in any case',
  },
  {
    rule: 'digest-mismatch',
    severity: 'unsafe',
    formats: ['ova'],
    summary: 'A member does not have the digest that the manifest (.mf) lists',
    why: 'The package is not what was exported: damaged on its way, or changed',
    hint: 'The file is damaged or was changed after its export; export it again',
    relaxed: 'Damaged and changed packages come in',
  },
  {
    rule: 'container-as-disk',
    severity: 'unsafe',
    formats: ['gz', 'xz', 'zst', 'bz2', 'lzma', 'lz4', 'zip', '7z', 'tar', 'ova'],
    summary: 'The bytes are a container, and the image is declared to be what it holds',
    why: 'Consumers would start a guest from the bytes of an archive, and what is in it was not judged as a disk',
    hint: 'Unpack it, import it through a pipeline with "decompress", or declare container_format "compressed" or "ova"',
    relaxed:
      'Images become active that no hypervisor can start, and whose content nobody has looked at',
  },
  {
    rule: 'inspector-failed',
    severity: 'unsafe',
    formats: ['*'],
    summary: 'An inspector failed on the bytes, so that nothing is known of their safety',
    why: 'A defect of an inspector must not become a way past it',
    hint: 'Report this with the image: it is a defect of Stowage',
    relaxed: 'Images come in of whose safety nothing is known',
  },
  {
    rule: 'compressed-data',
    severity: 'note',
    formats: ['gz', 'xz', 'zst', 'bz2', 'lzma', 'lz4'],
    summary: 'The bytes are compressed: what they hold is judged once it is unpacked',
    why: 'The disk inside is inspected as a generation of its own',
    hint: 'Unpack the image, or import it through a pipeline with "decompress"',
  },
  {
    rule: 'encrypted',
    severity: 'note',
    formats: ['qcow2', 'qcow', 'luks'],
    summary: 'The guest data is encrypted, so that nothing is known of it',
    why: 'The rules hold for the headers alone',
    hint: 'Keep the secret where those who start the image find it',
  },
  {
    rule: 'not-closed-cleanly',
    severity: 'note',
    formats: ['qcow2', 'qed', 'vmdk', 'vhd'],
    summary: 'The program that wrote the image did not close it; the last writes may be missing',
    why: 'A copy that was made of a running disk may lack writes',
    hint: 'Check it: qemu-img check INPUT',
  },
  {
    rule: 'partition-table',
    severity: 'note',
    formats: ['raw', 'iso', 'vhd'],
    summary: 'The partition table is damaged or does not fit the disk',
    why: 'The table belongs to the guest, which may mend it; firmware may refuse to start it',
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

/** Findings of one rule that an inspector tells: hostile tables give thousands. */
const MAX_OF_A_RULE = 8;

/** The first few findings of each rule. */
export function firstOf(findings: Iterable<Finding>): readonly Finding[] {
  const kept: Finding[] = [];
  const counts = new Map<string, number>();
  for (const found of findings) {
    const count = (counts.get(found.rule) ?? 0) + 1;
    counts.set(found.rule, count);
    if (count <= MAX_OF_A_RULE) kept.push(found);
  }
  return kept;
}
