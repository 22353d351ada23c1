import { InvalidInputError, UnsupportedError } from '../../base/errors.js';
import { mediaType } from './body.js';

/** The resumable-upload protocol of tus.io, version 1.0.0: its headers. */
export const TUS_VERSION = '1.0.0';
export const TUS_EXTENSIONS = 'creation,expiration,termination';

export const TUS_CHUNK = 'application/offset+octet-stream';

/** Keys and values in base64, `filename d29ybGQ=,is_public`. */
const METADATA =
  /^[!-+\--~]+(?: [A-Za-z0-9+/]*={0,2})?(?:, ?[!-+\--~]+(?: [A-Za-z0-9+/]*={0,2})?)*$/;
const MAX_METADATA = 8192;

type Context = Parameters<typeof mediaType>[0];

/** @throws {UnsupportedError} `TUS_VERSION` */
export function assertTusVersion(ctx: Context): void {
  const version = ctx.get('Tus-Resumable');
  if (version === TUS_VERSION) return;
  throw new UnsupportedError({
    code: 'TUS_VERSION',
    message: `The header "Tus-Resumable" is "${version}", and "${TUS_VERSION}" is served`,
    hint: 'Use a client of the tus protocol, or send the bytes with "PUT /v2/images/{id}/stage"',
  });
}

/** @throws {UnsupportedError} `MEDIA_TYPE_UNSUPPORTED` */
export function assertChunk(ctx: Context): void {
  const type = mediaType(ctx);
  if (type === TUS_CHUNK) return;
  throw new UnsupportedError({
    code: 'MEDIA_TYPE_UNSUPPORTED',
    message: `The content type "${type}" is not supported here`,
    hint: `Send the bytes of an upload as "${TUS_CHUNK}"`,
  });
}

/** Bytes that the upload will have. @throws {InvalidInputError} `UPLOAD_LENGTH_INVALID` */
export function uploadLength(ctx: Context): number {
  const length = count(ctx.get('Upload-Length'));
  if (length !== undefined) return length;
  throw new InvalidInputError({
    code: 'UPLOAD_LENGTH_INVALID',
    message: `"Upload-Length" must be a number of bytes, not "${ctx.get('Upload-Length')}"`,
    hint: 'Say how many bytes the image has; a length that is told later is not supported',
  });
}

/** @throws {InvalidInputError} `UPLOAD_OFFSET_INVALID` */
export function uploadOffset(ctx: Context): number {
  const offset = count(ctx.get('Upload-Offset'));
  if (offset !== undefined) return offset;
  throw new InvalidInputError({
    code: 'UPLOAD_OFFSET_INVALID',
    message: `"Upload-Offset" must be a number of bytes, not "${ctx.get('Upload-Offset')}"`,
    hint: 'Ask for the offset with HEAD',
  });
}

/** What the client says of the upload, as it is. @throws {InvalidInputError} `UPLOAD_METADATA_INVALID` */
export function uploadMetadata(ctx: Context): string {
  const metadata = ctx.get('Upload-Metadata').trim();
  if (metadata === '' || (metadata.length <= MAX_METADATA && METADATA.test(metadata))) {
    return metadata;
  }
  throw new InvalidInputError({
    code: 'UPLOAD_METADATA_INVALID',
    message: '"Upload-Metadata" is no list of keys with values in base64',
    hint: `Write "key base64, key base64" in at most ${MAX_METADATA} characters`,
  });
}

function count(text: string): number | undefined {
  return /^\d{1,15}$/.test(text) ? Number(text) : undefined;
}
