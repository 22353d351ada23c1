import { InvalidInputError, UnsupportedError } from '../../base/errors.js';
import { mediaType } from './body.js';

export const OCTETS = 'application/octet-stream';

type Context = Parameters<typeof mediaType>[0];

/** @throws {UnsupportedError} `MEDIA_TYPE_UNSUPPORTED` */
export function assertOctets(ctx: Context): void {
  const type = mediaType(ctx);
  if (type === OCTETS) return;
  throw new UnsupportedError({
    code: 'MEDIA_TYPE_UNSUPPORTED',
    message: `The content type "${type}" is not supported here`,
    hint: `Send the bytes of the image as "${OCTETS}"`,
  });
}

/**
 * Bytes that the client says it will send: `Content-Length`, or `x-openstack-image-size` beside
 * chunks of unknown number; `undefined` where it says neither.
 * @throws {InvalidInputError} `SIZE_INVALID` · `SIZE_CONTRADICTION`
 */
export function announcedSize(ctx: Context): number | undefined {
  const announced = sizeHeader(ctx, 'x-openstack-image-size');
  // Without chunks a body has exactly this length, and none without the header (RFC 9112, 6.3).
  const chunked = ctx.get('Transfer-Encoding') !== '';
  const length = chunked ? undefined : (sizeHeader(ctx, 'Content-Length') ?? 0);
  if (announced !== undefined && length !== undefined && announced !== length) {
    throw new InvalidInputError({
      code: 'SIZE_CONTRADICTION',
      message: `x-openstack-image-size says ${announced} bytes, Content-Length ${length}`,
      hint: 'Send the size of the image, or leave the header out',
    });
  }
  return announced ?? length;
}

function sizeHeader(ctx: Context, name: string): number | undefined {
  const text = ctx.get(name);
  if (text === '') return undefined;
  if (/^\d{1,15}$/.test(text)) return Number(text);
  throw new InvalidInputError({
    code: 'SIZE_INVALID',
    message: `"${name}" must be a number of bytes, not "${text}"`,
    hint: 'Write a whole number',
  });
}
