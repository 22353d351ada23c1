import { describe, expect, it } from 'vitest';
import { judgeDeclared } from './containers.js';

describe('judgeDeclared', () => {
  it.each([
    ['gz', 'raw', 'bare', false],
    ['gz', 'raw', null, false],
    ['gz', 'raw', 'compressed', true],
    ['zip', 'qcow2', 'compressed', true],
    ['ova', 'vmdk', 'compressed', false],
    ['ova', 'vmdk', 'bare', false],
    ['ova', 'vmdk', 'ova', true],
    ['tar', 'raw', 'ova', false],
    ['tar', 'raw', 'docker', true],
    ['gz', 'ari', 'ari', true],
    ['xz', 'aki', 'bare', true],
    ['raw', 'raw', 'bare', true],
    ['qcow2', 'qcow2', 'ova', true],
  ])(
    '%s as disk_format %s, container_format %s: %s',
    (format, diskFormat, containerFormat, fits) => {
      const found = judgeDeclared({ format }, { diskFormat, containerFormat });
      expect(found === undefined).toBe(fits);
      if (!fits) expect(found).toMatchObject({ rule: 'container-as-disk', severity: 'unsafe' });
    },
  );
});
