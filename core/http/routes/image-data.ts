import { Router } from '@koa/router';
import type { RuleName } from '../../auth/rules/table.js';
import { ConflictError, InvalidInputError } from '../../base/errors.js';
import type { Image } from '../../image/image.js';
import { callerOf } from '../context.js';
import type { HttpContext, HttpRouter, HttpState } from '../context.js';
import { assertStagingMethod } from '../methods.js';
import type { HttpParts } from '../parts.js';
import { imageIdOf } from '../requests/ids.js';
import { parseRange } from '../requests/range.js';
import { announcedSize, assertOctets } from '../requests/upload.js';
import type { Upload } from '../../engine/service.js';
import { UploadStream } from '../upload-stream.js';
import { clientGone, receiverGone } from '../client-gone.js';

/** The bytes of images: `PUT …/file`, `GET …/file`, `PUT …/stage`. Never buffered. */
export function imageDataRoutes(parts: HttpParts): HttpRouter {
  const { catalogue, uploads, downloads, stores, plugins } = parts;
  const router = new Router<HttpState>();

  const receive = async (
    ctx: HttpContext & { readonly params: Record<string, string> },
    rule: RuleName,
    take: (upload: Upload) => Promise<void>,
  ): Promise<void> => {
    const imageId = imageIdOf(ctx);
    const caller = callerOf(ctx);
    assertOctets(ctx);
    const size = announcedSize(ctx);
    const store = storeOf(ctx, stores);
    assertQueued(await catalogue.showFor(caller, imageId, rule));
    const stream = new UploadStream(ctx.req, {
      idleTimeoutMs: parts.config.server.uploadIdleTimeoutMs,
      minRate: parts.config.server.uploadMinRate,
      onBytes: (count) => {
        parts.metrics.bytesReceived(count);
      },
    });
    // The reader may not listen yet when the client goes away.
    stream.on('error', () => undefined);
    const gone = clientGone(ctx.req, ctx.res);
    try {
      await take({ imageId, caller, body: { stream, size }, store, signal: gone.signal });
      ctx.status = 204;
    } finally {
      gone.stop();
      stream.destroy();
    }
  };

  router.put('/v2/images/:id/file', (ctx) =>
    receive(ctx, 'upload_image', (upload) => uploads.upload(upload)),
  );

  router.put('/v2/images/:id/stage', (ctx) => {
    assertStagingMethod(plugins);
    return receive(ctx, 'modify_image', (upload) => uploads.stage(upload));
  });

  router.get('/v2/images/:id/file', async (ctx) => {
    const caller = callerOf(ctx);
    const image = await catalogue.showForDownload(caller, imageIdOf(ctx));
    const { size } = image;
    const readable = image.status === 'active' || image.status === 'deactivated';
    if (!readable || size === null) {
      ctx.status = 204;
      return;
    }
    if (size === 0) {
      setDataHeaders(ctx, image, size, undefined);
      ctx.status = 200;
      ctx.body = Buffer.alloc(0);
      return;
    }
    const range = rangeOf(ctx, size);
    const head = ctx.method === 'HEAD';
    const data = head
      ? undefined
      : await downloads.open(image.id, {
          ...(range === undefined ? {} : { range }),
          size,
          signal: receiverGone(ctx.res),
        });
    if (!head && data === undefined) {
      ctx.status = 204;
      return;
    }
    ctx.respond = false;
    ctx.status = range === undefined ? 200 : 206;
    setDataHeaders(ctx, image, size, range);
    if (data === undefined) {
      ctx.res.end();
      return;
    }
    await data.sendTo(ctx.res);
    const bytes = range === undefined ? size : range.end - range.start;
    parts.metrics.bytesSent(bytes);
    await downloads.sent({ image, bytes, receiver: caller });
  });
  return router;
}

/** The engine decides once more, and alone; this keeps most clients from sending in vain. */
function assertQueued({ id, status }: Image): void {
  if (status === 'queued') return;
  throw new ConflictError({
    code: 'IMAGE_STATE',
    message: `Image "${id}" is "${status}" and takes no data`,
    hint: 'Data can be sent once, while the image is queued',
  });
}

function storeOf(ctx: HttpContext, stores: HttpParts['stores']): string | undefined {
  const store = ctx.get('X-Image-Meta-Store').trim();
  if (store === '') return undefined;
  if (stores.has(store)) return store;
  throw new InvalidInputError({
    code: 'STORE_NOT_FOUND',
    message: `No store "${store}" is configured`,
    hint: 'The stores are listed at "/v2/info/stores"',
  });
}

function rangeOf(ctx: HttpContext, size: number): ReturnType<typeof parseRange> {
  const headers = {
    range: ctx.get('Range'),
    contentRange: ctx.get('Content-Range'),
    ifRange: ctx.get('If-Range'),
  };
  try {
    return parseRange(headers, size);
  } catch (error) {
    ctx.set('Content-Range', `bytes */${size}`);
    throw error;
  }
}

function setDataHeaders(
  ctx: HttpContext,
  image: Image,
  size: number,
  range: ReturnType<typeof parseRange>,
): void {
  ctx.set('Content-Type', 'application/octet-stream');
  ctx.set('Accept-Ranges', 'bytes');
  if (range === undefined) {
    ctx.set('Content-Length', String(size));
    // Hex, as Glance sends it and clients compare it, not the base64 of RFC 1864.
    if (image.checksum !== null) ctx.set('Content-MD5', image.checksum);
  } else {
    ctx.set('Content-Length', String(range.end - range.start));
    ctx.set('Content-Range', `bytes ${range.start}-${range.end - 1}/${size}`);
  }
}
