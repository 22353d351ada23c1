import { randomUUID } from 'node:crypto';
import { readFile, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import { systemCode } from '../base/errors.js';

/** How to reach the server that holds a data directory. */
export interface ServerInfo {
  readonly pid: number;
  /** Base URL of its API, for this machine. */
  readonly url: string;
  readonly startedAt: Date;
}

const NAME = 'server.json';

const schema = z.object({
  pid: z.int().positive(),
  url: z.url(),
  startedAt: z.iso.datetime().transform((text) => new Date(text)),
});

/** For the holder of the data directory's lock. Readers see the old file or the new one, whole. */
export async function writeServerInfo(dataDir: string, info: ServerInfo): Promise<void> {
  const file = path.join(dataDir, NAME);
  const temporary = `${file}.${randomUUID()}`;
  try {
    await writeFile(temporary, `${JSON.stringify(info)}\n`);
    await rename(temporary, file);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}

/**
 * What the last server has written, which may be dead: see `findServer`. `undefined` where there is
 * no such file, or none that can be understood: it is a hint, not a record.
 */
export async function readServerInfo(dataDir: string): Promise<ServerInfo | undefined> {
  let text: string;
  try {
    text = await readFile(path.join(dataDir, NAME), 'utf8');
  } catch (error) {
    if (systemCode(error) === 'ENOENT' || systemCode(error) === 'ENOTDIR') return undefined;
    throw error;
  }
  return schema.safeParse(parse(text)).data;
}

export async function removeServerInfo(dataDir: string): Promise<void> {
  await rm(path.join(dataDir, NAME), { force: true });
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
