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
    [{ project: ['p2'] }, 'project p2, this import has p1'],
    [{ role: ['admin'] }, 'role admin, this import has member, reader'],
    [{ size: { min: 101 } }, 'size from 101'],
    [{ property: { os_distro: ['suse'] } }, 'property os_distro suse, this import has debian'],
    [{ property: { absent: ['1'] } }, 'property absent 1, this import has none'],
    [{ diskFormat: ['vmdk'], method: ['upload'] }, 'method upload'],
  ])('does not hold: %j', (condition, reason) => {
    expect(unmetCondition(condition, subject)).toContain(reason);
  });

  it('does not hold for a size that is not known', () => {
    expect(unmetCondition({ size: { max: 5 } }, { ...subject, size: undefined })).toContain('none');
  });
});
