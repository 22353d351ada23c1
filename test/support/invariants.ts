import { readdir, stat } from 'node:fs/promises';
import path from 'node:path';
import { databaseFile } from '../../core/application.js';
import { openDatabase } from '../../core/database/open.js';
import { FINAL_IMPORT_STATES } from '../../core/engine/states.js';
import type { Image } from '../../core/image/image.js';
import type { Reader } from '../../core/engine/ports.js';
import { nameOf, objectPath } from '../../plugins/filesystem/object-path.js';
import { digestOf, qemuInfo } from './images.js';

export interface InvariantOptions {
  /** Ids of images whose bytes were acknowledged with 2xx and that nobody deleted or refused. */
  readonly acknowledged?: ReadonlySet<string>;
}

/**
 * Holds a data dir whose server has stopped, with no import under way, against the invariants of the
 * architecture document. Answers every violation as a sentence; none is the wish.
 */
export async function violations(
  dataDir: string,
  { acknowledged = new Set() }: InvariantOptions = {},
): Promise<readonly string[]> {
  const database = await openDatabase({ path: databaseFile(dataDir) });
  try {
    const images = await allImages(database.read);
    return [
      ...(await bytesMatch(database.read, images, dataDir)),
      ...(await importsAreFinal(database.read)),
      ...(await everythingHasAnOwner(database.read, dataDir)),
      ...(await nothingShowsEarly(database.read, images)),
      ...nothingAcknowledgedIsLost(images, acknowledged),
    ];
  } finally {
    await database.close();
  }
}

/** Invariant 1: what is active has its bytes in a store, and they are what the record says. */
async function bytesMatch(
  read: Reader,
  images: readonly Image[],
  dataDir: string,
): Promise<readonly string[]> {
  const found: string[] = [];
  for (const image of images.filter(({ status }) => status === 'active')) {
    const locations = await read.locations({ imageId: image.id, states: ['active'] });
    if (locations.length === 0) found.push(`1: active image ${image.id} is in no store`);
    for (const { url, store } of locations) {
      // What others hold may change and go: it was judged when it was registered.
      if (!isFile(url)) continue;
      const file = storedFile(dataDir, store, url ?? '');
      const where = `1: image ${image.id} in "${store}"`;
      const { size } = await stat(file);
      if (size !== image.size) found.push(`${where} has ${size} bytes, not ${image.size}`);
      if (image.osHashAlgo === null) {
        found.push(`${where} has no digest`);
        continue;
      }
      const digest = await digestOf(file, image.osHashAlgo);
      if (digest !== image.osHashValue) found.push(`${where} has another digest`);
      if (image.checksum !== null && (await digestOf(file, 'md5')) !== image.checksum) {
        found.push(`${where} has another checksum`);
      }
      // A package that is stored as it came is no disk.
      if (image.containerFormat !== 'bare') continue;
      const info = await qemuInfo(file, image.diskFormat ?? 'raw');
      if (info['virtual-size'] !== image.virtualSize) {
        found.push(
          `${where} has a virtual size of ${info['virtual-size']}, not ${image.virtualSize}`,
        );
      }
    }
  }
  return found;
}

/** Invariant 2: every import has reached a final state. */
async function importsAreFinal(read: Reader): Promise<readonly string[]> {
  const imports = await read.imports({});
  return imports
    .filter(({ state }) => !FINAL_IMPORT_STATES.includes(state))
    .map(({ id, state }) => `2: import ${id} is "${state}"`);
}

/** Invariant 3: every file and every reserved byte has an owner, and every owner its file. */
async function everythingHasAnOwner(read: Reader, dataDir: string): Promise<readonly string[]> {
  const found: string[] = [];
  const generations = await read.generations({});
  const staged = path.join(dataDir, 'staging', 'data');
  const files = await readdir(staged);
  for (const file of files) {
    if (!generations.some((g) => g.file === file))
      found.push(`3: staging file ${file} is nobody's`);
  }
  for (const { file, state, imageId, importId } of generations) {
    if (state !== 'ready' || importId !== null) {
      found.push(`3: generation ${file} of image ${imageId} is "${state}" with nothing under way`);
    }
    if (!files.includes(file)) found.push(`3: generation ${file} has no file`);
  }
  for (const directory of await readdir(path.join(dataDir, 'staging', 'work'))) {
    found.push(`3: workspace ${directory} is nobody's`);
  }
  const locations = await read.locations({});
  const stored = await filesBelow(path.join(dataDir, 'store'));
  const owned = locations.map(({ store, url }) =>
    url === null || !isFile(url) ? '' : storedFile(dataDir, store, url),
  );
  for (const { id, state } of locations) {
    if (state !== 'active') found.push(`3: location ${id} is "${state}" with nothing under way`);
  }
  for (const file of stored) {
    const marker = path.basename(file) === '.stowage-store';
    if (!marker && !owned.includes(file)) found.push(`3: stored file ${file} is nobody's`);
  }
  let reserved = 0;
  for (const { id, generationId, bytes } of await read.reservations()) {
    reserved += bytes;
    if (!generations.some((g) => g.id === generationId)) {
      found.push(`3: reservation ${id} of ${bytes} bytes is nobody's`);
    }
  }
  let used = 0;
  for (const file of files) used += (await stat(path.join(staged, file))).blocks * 512;
  if (reserved < used) found.push(`3: the ledger says ${reserved} bytes, the disk holds ${used}`);
  return found;
}

/** Invariant 4: before activation an image shows nothing of an import. */
async function nothingShowsEarly(
  read: Reader,
  images: readonly Image[],
): Promise<readonly string[]> {
  const found: string[] = [];
  for (const image of images) {
    const { id, status, size, virtualSize, checksum, osHashValue } = image;
    if (['importing', 'saving'].includes(status)) {
      found.push(`4: image ${id} is "${status}" without a live import`);
    }
    if (status === 'active') continue;
    const [staged] = await read.generations({ imageId: id, importId: null, states: ['ready'] });
    if (size !== (staged?.size ?? null)) {
      found.push(`4: image ${id} is "${status}" and shows ${size} bytes, not those of its staging`);
    }
    const shown = [virtualSize, checksum, osHashValue].some((value) => value !== null);
    if (shown) found.push(`4: image ${id} is "${status}" and shows what an import found`);
    if ((await read.locations({ imageId: id, states: ['active'] })).length > 0) {
      found.push(`4: image ${id} is "${status}" and has locations`);
    }
  }
  return found;
}

/** Invariant 6: bytes that were acknowledged need not be sent again. */
function nothingAcknowledgedIsLost(
  images: readonly Image[],
  acknowledged: ReadonlySet<string>,
): readonly string[] {
  return images
    .filter(({ id, status }) => acknowledged.has(id) && !['active', 'uploading'].includes(status))
    .map(({ id, status }) => `6: image ${id} is "${status}": its bytes were acknowledged`);
}

function isFile(url: string | null): boolean {
  return !/^https?:/.test(url ?? '');
}

/** The configuration of these tests puts every filesystem store below `store`, under its id. */
function storedFile(dataDir: string, store: string, url: string): string {
  return path.join(dataDir, 'store', store, objectPath(nameOf(url)));
}

async function allImages(read: Reader): Promise<readonly Image[]> {
  return read.images({
    projectId: null,
    isAdmin: true,
    visibility: 'all',
    memberStatus: 'all',
    filters: [],
    sort: [],
    marker: undefined,
    limit: 100_000,
  });
}

async function filesBelow(directory: string): Promise<readonly string[]> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => path.join(entry.parentPath, entry.name));
}
