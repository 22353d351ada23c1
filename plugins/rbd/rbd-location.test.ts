import { describe, expect, it } from 'vitest';
import { imageOf, locationOf, parseUrl, urlOf } from './rbd-location.js';

const FSID = '0b1c7e2e-8a9f-4f0e-9d6c-2f3f7a1c5b44';

describe('locations in a Ceph pool', () => {
  it('are found by their image, and are never the same for two objects', () => {
    const [one, two] = [imageOf('an-image/an-import.1.a'), imageOf('an-image/an-import.2.a')];
    expect(one).toMatch(/^an-image\.[0-9a-f]{16}$/);
    expect(two).not.toBe(one);
  });

  it('are read as they are written', () => {
    const location = locationOf(FSID, 'a pool%', 'an-image/an-import.1.a');
    expect(urlOf({ ...location, pool: 'images' })).toBe(
      `rbd://${FSID}/images/${location.image}/snap`,
    );
    expect(parseUrl(urlOf({ ...location, pool: 'images%' })).pool).toBe('images%');
  });

  it.each([
    `rbd://${FSID}/images/an-image`,
    `rbd://${FSID}/images/an-image/snap/more`,
    `rbd://${FSID}/images/-p/snap`,
    `rbd://${FSID}/images/a%2Fb/snap`,
    `rbd://${FSID}/images/a%40b/snap`,
    `rbd://${FSID}/images/%E0%A4%A/snap`,
    `rbd://${FSID}/images//snap`,
    `rbd://an-image`,
    `http://${FSID}/images/an-image/snap`,
    'cinder://store/volume',
  ])('are not "%s"', (url) => {
    expect(() => parseUrl(url)).toThrow(expect.objectContaining({ code: 'OBJECT_NOT_FOUND' }));
  });

  it.each(['../evil', 'a/../b', '/a', 'a//b', 'a@b/c', '-p x', '.hidden'])(
    'are made for no name like "%s"',
    (name) => {
      expect(() => imageOf(name)).toThrow(expect.objectContaining({ code: 'OBJECT_NAME_INVALID' }));
    },
  );
});
