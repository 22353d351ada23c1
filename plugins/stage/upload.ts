import { PermanentError, defineMethod, z } from '../../core/api.js';
import type { DataSource, MethodContext, MethodSource } from '../../core/api.js';

class RequestBody implements MethodSource {
  source({ body }: MethodContext): Promise<DataSource> {
    if (body === undefined) {
      return Promise.reject(
        new PermanentError({
          code: 'CLIENT_GONE',
          message: 'The request that was sending the bytes has ended before all of them had come',
          hint: 'Send the image again',
        }),
      );
    }
    return Promise.resolve({
      kind: 'stream',
      size: body.size,
      validator: undefined,
      resumable: false,
      open: () => Promise.resolve(body.stream),
    });
  }
}

/** The bytes of a running `PUT …/file`. They come once: a restart in between ends the import. */
export const upload = defineMethod({
  name: 'upload',
  description: 'Import the bytes of a running PUT /v2/images/{id}/file',
  params: z.strictObject({}),
  from: ['queued'],
  data: 'new',
  requestable: false,
  source: RequestBody,
});
