import { Router } from '@koa/router';
import { NotFoundError, TransientError, UnsupportedError } from '../../base/errors.js';
import type { UploadState } from '../../engine/service.js';
import { callerOf } from '../context.js';
import type { HttpContext, HttpRouter, HttpState } from '../context.js';
import { assertStagingMethod } from '../methods.js';
import type { HttpParts, Lifetime } from '../parts.js';
import { UUID, imageIdOf } from '../requests/ids.js';
import {
  TUS_EXTENSIONS,
  TUS_VERSION,
  assertChunk,
  assertTusVersion,
  uploadLength,
  uploadMetadata,
  uploadOffset,
} from '../requests/tus.js';
import { announcedSize } from '../requests/upload.js';
import { UploadStream } from '../upload-stream.js';

type Context = HttpContext & { readonly params: Record<string, string> };

const UPLOADS = '/stowage/v1/images/:id/uploads';
const UPLOAD = `${UPLOADS}/:upload`;

/** Bytes that a client sends over several requests, by the protocol of tus.io. */
export function uploadRoutes(parts: HttpParts, lifetime: Lifetime): HttpRouter {
  const { catalogue, resumableUploads: uploads, config, plugins } = parts;
  const router = new Router<HttpState>();

  /** What every request of the protocol begins with; answers the image's id. */
  const enter = async (ctx: Context): Promise<string> => {
    ctx.set({ 'Tus-Resumable': TUS_VERSION, 'Cache-Control': 'no-store' });
    assertStagingMethod(plugins);
    assertTusVersion(ctx);
    const imageId = imageIdOf(ctx);
    await catalogue.showFor(callerOf(ctx), imageId, 'modify_image');
    return imageId;
  };

  const discover = (ctx: Context): void => {
    ctx.set({
      'Tus-Resumable': TUS_VERSION,
      'Tus-Version': TUS_VERSION,
      'Tus-Extension': TUS_EXTENSIONS,
      'Tus-Max-Size': String(config.images.maxSize),
    });
    ctx.status = 204;
  };

  const append = async (ctx: Context): Promise<void> => {
    const imageId = await enter(ctx);
    assertChunk(ctx);
    const offset = uploadOffset(ctx);
    const size = announcedSize(ctx);
    const stream = new UploadStream(ctx.req, {
      idleTimeoutMs: config.server.uploadIdleTimeoutMs,
      minRate: config.server.uploadMinRate,
      onBytes: (count) => {
        parts.metrics.bytesReceived(count);
      },
    });
    // The reader may not listen yet when the client goes away.
    stream.on('error', () => undefined);
    // What has come is kept, so that a stop need not wait for the rest.
    const stop = (): void => void stream.destroy(stopping());
    lifetime.stopping.addEventListener('abort', stop, { once: true });
    try {
      const body = { stream, size };
      present(ctx, await uploads.append({ imageId, id: uploadIdOf(ctx), offset, body }));
      ctx.status = 204;
    } finally {
      lifetime.stopping.removeEventListener('abort', stop);
      stream.destroy();
    }
  };

  const abandon = async (ctx: Context): Promise<void> => {
    const imageId = await enter(ctx);
    await uploads.abandon(imageId, uploadIdOf(ctx));
    ctx.status = 204;
  };

  router.options(UPLOADS, discover);
  router.options(UPLOAD, discover);

  router.post(UPLOADS, async (ctx) => {
    const imageId = await enter(ctx);
    const length = uploadLength(ctx);
    const state = await uploads.create({ imageId, length, metadata: uploadMetadata(ctx) });
    present(ctx, state);
    ctx.set('Location', `${ctx.state.baseUrl}/stowage/v1/images/${imageId}/uploads/${state.id}`);
    ctx.status = 201;
    ctx.body = '';
  });

  router.head(UPLOAD, async (ctx) => {
    const imageId = await enter(ctx);
    const state = await uploads.show(imageId, uploadIdOf(ctx));
    present(ctx, state);
    ctx.set('Upload-Length', String(state.length));
    if (state.metadata !== '') ctx.set('Upload-Metadata', state.metadata);
    ctx.status = 200;
    ctx.body = '';
  });

  router.patch(UPLOAD, append);
  router.delete(UPLOAD, abandon);

  // For clients behind something that lets no PATCH through.
  router.post(UPLOAD, (ctx) => {
    switch (ctx.get('X-HTTP-Method-Override').toUpperCase()) {
      case 'PATCH':
        return append(ctx);
      case 'DELETE':
        return abandon(ctx);
      default:
        throw new UnsupportedError({
          code: 'METHOD_NOT_ALLOWED',
          message: '"POST" is not possible on an upload',
          hint: 'Send the bytes with PATCH, or with POST and "X-HTTP-Method-Override: PATCH"',
        });
    }
  });
  return router;
}

function present(ctx: Context, { offset, length, expiresAt }: UploadState): void {
  ctx.set('Upload-Offset', String(offset));
  if (offset < length) ctx.set('Upload-Expires', expiresAt.toUTCString());
}

function uploadIdOf(ctx: Context): string {
  const id = ctx.params['upload'] ?? '';
  if (UUID.test(id)) return id.toLowerCase();
  throw new NotFoundError({
    code: 'UPLOAD_NOT_FOUND',
    message: 'There is no such upload of this image',
    hint: 'Begin a new upload',
  });
}

function stopping(): TransientError {
  return new TransientError({
    code: 'SHUTTING_DOWN',
    message: 'The server is stopping',
    hint: 'What has come is kept: go on when the server is there again',
  });
}
