import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { brokenRules, inspectBytes } from '../../test/support/images/inspect.js';
import {
  ovaPackage,
  ovfDescriptor,
  tarArchive,
  type OvaOptions,
  type TarMember,
} from '../../test/support/images/ova.js';
import { qcow2Image, withBackingFile } from '../../test/support/images/qcow2.js';
import { vmdkStream } from '../../test/support/images/vmdk.js';

const disk = vmdkStream();

describe('ova', () => {
  it.each([undefined, 'first', 'last'] as const)(
    'tells of the one disk and the machine, manifest %s',
    (manifest) => {
      const result = inspectBytes(ovaPackage({ ...(manifest && { manifest }) }), 1000);
      expect(result).toMatchObject({ format: 'ova', safe: true, findings: [] });
      expect(result.metadata).toEqual({
        descriptor: 'vm.ovf',
        member_count: manifest === undefined ? 2 : 3,
        disk_count: 1,
        ...(manifest === undefined ? {} : { manifest: 'sha256' }),
        disk_name: 'disk1.vmdk',
        disk_offset: expect.any(Number) as number,
        disk_size: disk.length,
        disk_format: 'vmdk',
        disk_compression: 'none',
        disk_capacity: 2 ** 20,
        ovf: {
          name: 'a & b',
          product: 'Appliance',
          vendor: 'Acme',
          version: '1.2',
          os_id: '94',
          os_type: 'ubuntu64Guest',
          os_description: 'Ubuntu',
          virtual_system_type: 'vmx-13',
          cpus: '2',
          memory_mib: '1024',
          firmware: 'efi',
        },
      });
      const at = result.metadata['disk_offset'] as number;
      const bytes = ovaPackage({ ...(manifest && { manifest }) });
      expect(Buffer.from(bytes.subarray(at, at + disk.length)).equals(disk)).toBe(true);
    },
  );

  it('takes a disk that is compressed by the word of the descriptor', () => {
    const packed = gzipSync(disk);
    const bytes = ovaPackage({ disk: packed, ovf: { file: 'ovf:compression="gzip"' } });
    expect(inspectBytes(bytes)).toMatchObject({
      safe: true,
      virtualSize: 2 ** 20,
      metadata: { disk_format: 'gz', disk_compression: 'gzip' },
    });
  });

  const entities = '<!DOCTYPE e [<!ENTITY x SYSTEM "file:///etc/passwd">]>';
  it.each([
    ['a file of another folder', { ovf: { href: '../disk1.vmdk' } }, 'external-files'],
    ['a file of another server', { ovf: { href: 'http://192.0.2.1/d' } }, 'external-files'],
    ['a file that is not there', { ovf: { href: 'disk2.vmdk' } }, 'external-files'],
    ['a document with a DTD', { ovf: { prolog: entities } }, 'xml-entities'],
    ['an entity of its own', { ovf: { system: '<x>&x;</x>' } }, 'xml-entities'],
    ['a document that is cut', { ovf: { system: '<x>' } }, 'header-malformed'],
    ['a file in chunks', { ovf: { file: 'ovf:chunkSize="9"' } }, 'unknown-features'],
    ['an unknown compression', { ovf: { file: 'ovf:compression="lzma"' } }, 'unknown-features'],
    ['a size that lies', { ovf: { size: 5 } }, 'copies-differ'],
    ['a disk of another format', { disk: qcow2Image() }, 'copies-differ'],
    ['a disk with a parent', { ovf: { disks: '<Disk ovf:parentRef="x"/>' } }, 'parent-image'],
    ['a disk of no file', { ovf: { disks: '<Disk ovf:fileRef="x"/>' } }, 'header-malformed'],
    ['two descriptors', { more: [{ name: 'b.ovf', bytes: ovfDescriptor() }] }, 'ambiguous-archive'],
    ['two members of one name', { more: [{ name: 'DISK1.vmdk' }] }, 'ambiguous-archive'],
    ['a link', { more: [{ name: 'l', type: '2' }] }, 'member-type'],
    ['a hard link', { more: [{ name: 'l', type: '1' }] }, 'member-type'],
    ['a device', { more: [{ name: 'l', type: '3' }] }, 'member-type'],
    ['an absolute name', { more: [{ name: '/etc/cron.d/x' }] }, 'member-path'],
    ['a name that climbs', { more: [{ name: 'a/../../x' }] }, 'member-path'],
    [
      'a size of no number',
      { more: [{ name: 'x', patch: (w) => w.text(124, 'zz') }] },
      'header-malformed',
    ],
    ['a size beyond the end', { more: [{ name: 'x', size: 8 ** 10 }] }, 'truncated'],
  ] as const satisfies readonly (readonly [string, OvaOptions, string])[])(
    'refuses %s',
    (_, options: OvaOptions, rule) => {
      const result = inspectBytes(ovaPackage(options));
      expect(result.format).toBe('ova');
      expect([...new Set(brokenRules(result))]).toEqual([rule]);
    },
  );

  it.each(['first', 'last'] as const)('refuses what the manifest (%s) denies', (manifest) => {
    const result = inspectBytes(ovaPackage({ manifest, digest: (hex) => hex.replace(/./g, '0') }));
    expect(brokenRules(result)).toEqual(['digest-mismatch', 'digest-mismatch']);
  });

  it('refuses a disk that is unsafe by itself, with its rule and its place in the package', () => {
    const unsafe = qcow2Image({ patch: withBackingFile('/etc/passwd') });
    const disks = '<Disk ovf:fileRef="f1" ovf:format="http://example.org/qcow2"/>';
    const { findings, metadata } = inspectBytes(ovaPackage({ disk: unsafe, ovf: { disks } }));
    expect(findings).toEqual([
      expect.objectContaining({
        rule: 'backing-file',
        offset: (metadata['disk_offset'] as number) + 8,
        message: expect.stringContaining('In the member "disk1.vmdk": ') as string,
      }),
    ]);
  });

  it('does not follow more members than it may', () => {
    const more: TarMember[] = Array.from({ length: 100 }, (_, at) => ({ name: `f${at}` }));
    expect(brokenRules(inspectBytes(ovaPackage({ more })))).toEqual(['archive-members']);
  });

  it('reads long names of GNU tar and pax', () => {
    const name = 'a'.repeat(150);
    const record = ` path=${name}\n`;
    const pax = `${record.length + 3}${record}`;
    for (const [type, bytes] of [
      ['L', `${name}\0`],
      ['x', pax],
    ] as const) {
      const archive = tarArchive([
        { name: 'vm.ovf', bytes: ovfDescriptor({ href: name }) },
        { name: 'long', type, bytes },
        { name: 'short', bytes: disk },
      ]);
      expect(inspectBytes(archive, 700)).toMatchObject({
        safe: true,
        metadata: { disk_name: name },
      });
    }
  });

  it('refuses a tar without a descriptor', () => {
    const result = inspectBytes(tarArchive([{ name: 'disk.vmdk', bytes: disk }]));
    expect(result.format).toBe('tar');
    expect(brokenRules(result)).toEqual(['archive-members']);
  });
});
