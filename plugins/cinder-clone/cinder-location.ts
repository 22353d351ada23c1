import { NotFoundError } from '../../core/api.js';

const VOLUME = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** As Cinder reads it: the last segment of the path. */
export function urlOf(store: string, volume: string): string {
  return `cinder://${store}/${volume}`;
}

/**
 * The volume of a location of `store`: `cinder://STORE/VOLUME`, or `cinder://VOLUME` as Cinder itself
 * writes it.
 * @throws {NotFoundError} `OBJECT_NOT_FOUND` for what is no location of the store
 */
export function volumeOf(store: string, url: string): string {
  const [, first = '', second] = /^cinder:\/\/([^/?#]+)(?:\/([^/?#]+))?$/.exec(url) ?? [];
  const volume = second ?? first;
  if (VOLUME.test(volume) && (second === undefined || first === store)) return volume.toLowerCase();
  throw new NotFoundError({
    code: 'OBJECT_NOT_FOUND',
    message: `"${url}" is no volume of store "${store}"`,
    hint: 'A location reads cinder://STORE/VOLUME or cinder://VOLUME',
  });
}
