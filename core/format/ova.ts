import type { JsonObject } from '../base/json.js';
import type { Contents, Member } from './archive-contents.js';
import { printable, quoted } from './byte-view.js';
import type { Verdict } from './frame.js';
import type { Finding } from './inspection.js';
import { isPlainName } from './member-name.js';
import type { OvfDescriptor, OvfDisk, OvfFile } from './ovf.js';
import { finding } from './rules.js';

// Source: DMTF DSP0243 2.1.1: 6 "OVF package" (one descriptor, manifest, members by name), 7.1
// "References" (files beside the descriptor), 9.1 "DiskSection".

/** Ways in which a disk may be packed inside a package: DSP0243 7.1, `ovf:compression`. */
const PLAIN: ReadonlySet<string> = new Set(['', 'identity']);
const GZIP = 'gzip';

/** Formats of disks by what their URI contains. */
const FORMAT_URIS = [
  ['vmdk', 'vmdk'],
  ['qcow2', 'qcow2'],
  ['vhdx', 'vhdx'],
] as const;

/** A disk that lies in the package. */
type PackedDisk = { readonly disk: OvfDisk; readonly file: OvfFile; readonly member: Member };

/** What is to be said of an archive that holds an OVF descriptor. */
export function judgePackage(contents: Contents, signatureAt: number): Verdict {
  const { members, descriptors, manifest } = contents;
  const [first] = descriptors;
  const descriptor = first?.descriptor;
  const packed = descriptor === undefined ? [] : packedDisks(descriptor, members);
  const [only, ...others] = packed;
  const isOne = descriptor?.disks.length === 1 && others.length === 0;
  const findings = [
    ...contents.findings,
    ...judgeCounts(contents),
    ...(descriptor === undefined
      ? []
      : judgeDescriptor(descriptor, offsetOf(contents, first?.name))),
    ...(descriptor === undefined ? [] : judgeReferences(descriptor, contents)),
    ...packed.flatMap(judgeDisk),
    ...judgeManifest(contents),
  ];
  const virtualSize = isOne ? virtualSizeOf(only) : undefined;
  return {
    format: 'ova',
    layer: 'image',
    signatureAt,
    ...(virtualSize === undefined
      ? {}
      : { virtualSize: { bytes: virtualSize, offset: only?.member.offset ?? 0 } }),
    findings,
    metadata: {
      descriptor: printable(first?.name ?? ''),
      member_count: members.length,
      disk_count: descriptor?.disks.length ?? 0,
      ...(manifest[0] === undefined ? {} : { manifest: manifest[0].algorithm }),
      ...(isOne && only !== undefined ? diskMetadata(only) : {}),
      ...(descriptor === undefined ? {} : { ovf: descriptor.facts }),
    },
  };
}

/** Of a compressed disk only the descriptor knows. */
function virtualSizeOf(packed: PackedDisk | undefined): number | undefined {
  return packed?.member.disk?.virtualSize ?? packed?.disk.capacity;
}

function diskMetadata({ disk, file, member }: PackedDisk): JsonObject {
  return {
    disk_name: printable(member.name),
    disk_offset: member.offset,
    disk_size: member.size,
    disk_format: member.disk?.format ?? 'raw',
    disk_compression: file.compression === GZIP ? GZIP : 'none',
    ...(disk.capacity === undefined ? {} : { disk_capacity: disk.capacity }),
  };
}

function packedDisks(
  { disks, files }: OvfDescriptor,
  members: readonly Member[],
): readonly PackedDisk[] {
  return disks.flatMap((disk) => {
    const file = files.find(({ id }) => id === disk.fileRef);
    const member = file && members.find(({ name }) => name === file.href);
    return file === undefined || member === undefined ? [] : [{ disk, file, member }];
  });
}

function offsetOf({ members }: Contents, name: string | undefined): number {
  return members.find((member) => member.name === name)?.offset ?? 0;
}

function judgeCounts({ members, descriptors }: Contents): readonly Finding[] {
  const names = members.map(({ name }) => name.toLowerCase());
  const twice = members.find(({ name }, at) => names.indexOf(name.toLowerCase()) < at);
  const [, second] = descriptors;
  return [
    ...(second === undefined
      ? []
      : [
          finding(
            'ambiguous-archive',
            members.find(({ name }) => name === second.name)?.offset ?? 0,
            `There are ${descriptors.length} descriptors, the second is ${quoted(second.name)}`,
          ),
        ]),
    ...(twice === undefined
      ? []
      : [
          finding(
            'ambiguous-archive',
            twice.offset,
            `Two members have the name ${quoted(twice.name)}`,
          ),
        ]),
  ];
}

function judgeDescriptor({ fault }: OvfDescriptor, offset: number): readonly Finding[] {
  if (fault === undefined) return [];
  const rule = fault.kind === 'entities' ? 'xml-entities' : 'header-malformed';
  return [finding(rule, offset, `The descriptor is not read: ${fault.message}`)];
}

function judgeReferences(
  { files, disks }: OvfDescriptor,
  { members, descriptors }: Contents,
): readonly Finding[] {
  const at = members.find(({ name }) => name === descriptors[0]?.name)?.offset ?? 0;
  const missing = disks.filter(
    ({ fileRef }) => fileRef !== '' && !files.some(({ id }) => id === fileRef),
  );
  return [
    ...files.flatMap((file) => judgeFile(file, members, at)),
    ...missing.map(({ fileRef }) =>
      finding(
        'header-malformed',
        at,
        `A disk refers to the file ${quoted(fileRef)}, there is none`,
      ),
    ),
    ...(disks.some(({ hasParent }) => hasParent)
      ? [finding('parent-image', at, 'A disk of the package has a parent')]
      : []),
  ];
}

function judgeFile(
  { href, size, compression, isChunked }: OvfFile,
  members: readonly Member[],
  at: number,
): readonly Finding[] {
  if (/^[a-z][a-z0-9+.-]*:/i.test(href) || !isPlainName(href)) {
    const message = `The descriptor names the file ${quoted(href)}, which is not beside it`;
    return [finding('external-files', at, message)];
  }
  if (isChunked || !(PLAIN.has(compression) || compression === GZIP)) {
    const message = `The file ${quoted(href)} is in chunks or compressed as ${quoted(compression)}`;
    return [finding('unknown-features', at, message)];
  }
  const member = members.find(({ name }) => name === href);
  if (member === undefined) {
    const message = `The descriptor names the file ${quoted(href)}, which is not in the archive`;
    return [finding('external-files', at, message)];
  }
  if (size === undefined || size === member.size) return [];
  const message = `The descriptor says ${size} bytes of ${quoted(href)}, the archive ${member.size}`;
  return [finding('copies-differ', at, message)];
}

/** A disk must be safe by itself, and of the format that the descriptor says. */
function judgeDisk({ disk, file, member }: PackedDisk): readonly Finding[] {
  const found = member.disk?.format ?? 'raw';
  const told = FORMAT_URIS.find(([part]) => disk.format.toLowerCase().includes(part))?.[1];
  const expected = file.compression === GZIP ? 'gz' : told;
  return [
    ...(member.disk?.findings ?? []).map((inner) => ({
      ...inner,
      offset: member.offset + inner.offset,
      message: `In the member ${quoted(member.name)}: ${inner.message}`,
    })),
    ...(expected === undefined || expected === found
      ? []
      : [
          finding(
            'copies-differ',
            member.offset,
            `The descriptor says that ${quoted(member.name)} is "${expected}", it is "${found}"`,
          ),
        ]),
  ];
}

function judgeManifest({ manifest, members }: Contents): readonly Finding[] {
  return manifest.flatMap(({ algorithm, name, digest }) => {
    const member = members.find((candidate) => candidate.name === name);
    if (member === undefined) {
      const message = `The manifest lists ${quoted(name)}, which is not in the archive`;
      return [finding('digest-mismatch', 0, message)];
    }
    const found = member.digests[algorithm];
    if (found === digest) return [];
    const what = found === undefined ? 'was not computed' : `is ${quoted(found)}`;
    const message = `The ${algorithm} of ${quoted(name)} ${what}, the manifest says ${quoted(digest)}`;
    return [finding('digest-mismatch', member.offset, message)];
  });
}
