import { describe, expect, it } from 'vitest';
import { anImage } from '../../test/support/an-image.js';
import { unmetCondition } from './condition.js';
import type { ConditionSubject } from './condition.js';

const subject: ConditionSubject = {
  image: anImage({ diskFormat: 'vmdk', properties: { os_distro: 'debian' } }),
  caller: { projectId: 'p1', roles: ['member', 'reader'] },
  method: 'glance-direct',
  stores: ['fast'],
  size: 100,
};

describe('unmetCondition', () => {
  it.each([
    { diskFormat: ['qcow2', 'vmdk'] },
    { containerFormat: ['bare'] },
    { project: ['p1'] },
    { role: ['reader'] },
    { method: ['glance-direct'] },
    { store: ['fast', 'slow'] },
    { size: { min: 100, max: 100 } },
    { property: { os_distro: ['debian', 'ubuntu'] } },
    {},
  ])('holds: %j', (condition) => {
    expect(unmetCondition(condition, subject)).toBeUndefined();
  });

  it.each([
    [{ diskFormat: ['raw'] }, 'disk_format raw, this import has vmdk'],
    [{ project: ['p2'] }, 'on the project'],
    [{ role: ['admin'] }, 'on the role'],
    [{ size: { min: 101 } }, 'size from 101'],
    [{ property: { os_distro: ['suse'] } }, 'on the property "os_distro"'],
    [{ property: { absent: ['1'] } }, 'on the property "absent"'],
    [{ diskFormat: ['vmdk'], method: ['upload'] }, 'method upload'],
  ])('does not hold: %j', (condition, reason) => {
    expect(unmetCondition(condition, subject)).toContain(reason);
  });

  it.each([
    { project: ['secret'] },
    { role: ['secret'] },
    { property: { os_distro: ['secret'] } },
    { property: { key: ['other'] } },
  ])('tells no id of a project, no role and no value of a property: %j', (condition) => {
    const image = anImage({ properties: { key: 'secret' } });
    const caller = { projectId: 'secret-too', roles: ['secret-too'] };
    expect(unmetCondition(condition, { ...subject, image, caller })).not.toContain('secret');
  });

  it('does not hold for a size that is not known', () => {
    expect(unmetCondition({ size: { max: 5 } }, { ...subject, size: undefined })).toContain('none');
  });
});
