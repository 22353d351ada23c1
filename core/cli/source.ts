import { open, stat } from 'node:fs/promises';
import path from 'node:path';
import { fetch } from 'undici';
import { systemCode } from '../base/errors.js';
import { createInspector } from '../format/inspector.js';
import { DISK_FORMATS } from '../image/image.js';
import { usageError } from './usage.js';

/** What `import` was asked to bring. */
export type ImportSource =
  | { readonly kind: 'file'; readonly path: string; readonly size: number; readonly name: string }
  | { readonly kind: 'url'; readonly url: string; readonly name: string };

/** Enough for every format that is told by its beginning; an ISO begins at 32 KiB. */
const HEAD = 2 ** 20;
/** A fixed VHD is told by the cookie of its footer, in the last sector. */
const VHD_FOOTER = 512;
const VHD_COOKIE = 'conectix';

/** @throws {InvalidInputError} `USAGE` when there is no such file */
export async function importSource(text: string): Promise<ImportSource> {
  if (/^https?:\/\//i.test(text)) {
    const { pathname, hostname } = new URL(text);
    return {
      kind: 'url',
      url: text,
      name: decodeURIComponent(path.basename(pathname)) || hostname,
    };
  }
  try {
    const found = await stat(text);
    if (!found.isFile()) throw usageError(`"${text}" is not a file`, 'Name an image file or a URL');
    return { kind: 'file', path: path.resolve(text), size: found.size, name: path.basename(text) };
  } catch (error) {
    if (systemCode(error) !== 'ENOENT') throw error;
    throw usageError(
      `There is no file "${text}"`,
      'Name an image file, or a URL with http:// or https://',
    );
  }
}

/**
 * The disk format of a source, by its first bytes; of a URL that cannot be read from here, by its
 * ending. The server looks at all the bytes and has the last word.
 * @throws {InvalidInputError} `USAGE` when neither tells
 */
export async function detectDiskFormat(source: ImportSource, signal: AbortSignal): Promise<string> {
  const ending = path.extname(source.name).slice(1).toLowerCase();
  if (source.kind === 'file') return formatOfFile(source.path, source.size);
  const head = await headOfUrl(source.url, signal);
  const format = head === undefined ? undefined : formatOf(head);
  // A raw answer may be a fixed VHD: only the ending can say so here.
  if (format !== undefined && (format !== 'raw' || ending !== 'vhd')) return format;
  if ((DISK_FORMATS as readonly string[]).includes(ending)) return ending;
  throw usageError(
    `Cannot tell the disk format of "${source.url}" from here`,
    `Say it: --disk-format ${DISK_FORMATS.join('|')}`,
  );
}

async function formatOfFile(file: string, size: number): Promise<string> {
  const handle = await open(file, 'r');
  try {
    const head = Buffer.alloc(Math.min(HEAD, size));
    await handle.read(head, 0, head.length, 0);
    const format = formatOf(head);
    if (format !== 'raw' || size < VHD_FOOTER) return format;
    const footer = Buffer.alloc(VHD_FOOTER);
    await handle.read(footer, 0, VHD_FOOTER, size - VHD_FOOTER);
    return footer.toString('latin1', 0, VHD_COOKIE.length) === VHD_COOKIE ? 'vhd' : 'raw';
  } finally {
    await handle.close();
  }
}

function formatOf(head: Uint8Array): string {
  const inspector = createInspector();
  inspector.update(head);
  const { format } = inspector.finish();
  return (DISK_FORMATS as readonly string[]).includes(format) ? format : 'raw';
}

/** The first bytes, or `undefined` when this machine cannot get them: the server may be able to. */
async function headOfUrl(url: string, signal: AbortSignal): Promise<Uint8Array | undefined> {
  const brief = AbortSignal.any([signal, AbortSignal.timeout(10_000)]);
  try {
    const answer = await fetch(url, { headers: { range: `bytes=0-${HEAD - 1}` }, signal: brief });
    if (!answer.ok || answer.body === null) return undefined;
    const chunks: Uint8Array[] = [];
    let length = 0;
    for await (const chunk of answer.body) {
      chunks.push(chunk as Uint8Array);
      length += (chunk as Uint8Array).length;
      if (length >= HEAD) break;
    }
    return Buffer.concat(chunks);
  } catch {
    signal.throwIfAborted();
    return undefined;
  }
}
