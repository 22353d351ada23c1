import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import sqlite3 from 'sqlite3';
import { ConflictError, PermanentError, systemCode } from '../base/errors.js';
import { readServerInfo, removeServerInfo } from './server-info.js';
import type { ServerInfo } from './server-info.js';

/**
 * One process owns a data directory: it holds an exclusive SQLite transaction on the file `lock` in
 * it. The kernel drops that lock with the process, however it dies, and no child inherits it.
 *
 * The lock is one of POSIX, which a process loses as soon as it closes *any* descriptor of the file:
 * nothing else in the process may open `lock`, not even to copy it.
 */
export interface DataDirLock {
  /** Removes `server.json` and lets others in. May be repeated. */
  release(): Promise<void>;
}

const NAME = 'lock';

/** Milliseconds: far longer than a {@link findServer} of somebody else looks at the file. */
const WAIT = 250;

/** Reachable from here, since a connection that is garbage is closed and its lock is gone. */
const held = new Set<sqlite3.Database>();

/**
 * Takes the lock of a data directory, which is made where it is missing. What a dead server has left
 * in `server.json` is removed.
 * @throws {ConflictError} `DATA_DIR_IN_USE` when a process holds it; `details` has `data_dir` and,
 *   where they are known, `pid` and `url` of the holder
 * @throws {PermanentError} `DATA_DIR_UNUSABLE`
 */
export async function lockDataDir(dataDir: string): Promise<DataDirLock> {
  const connection = await createLockFile(dataDir);
  connection.configure('busyTimeout', WAIT);
  try {
    await execute(connection, 'BEGIN EXCLUSIVE');
    held.add(connection);
    await removeServerInfo(dataDir);
  } catch (error) {
    await close(connection);
    if (systemCode(error) === 'SQLITE_BUSY') throw await inUse(dataDir);
    throw unusable(dataDir, error);
  }
  let releasing: Promise<void> | undefined;
  const release = async (): Promise<void> => {
    await removeServerInfo(dataDir);
    await close(connection);
  };
  return { release: () => (releasing ??= release()) };
}

/**
 * The server that holds a data directory; `undefined` when no process holds it, whatever a dead one
 * has left there, or when the holder has not begun to listen.
 * @throws {PermanentError} `DATA_DIR_UNUSABLE`
 */
export async function findServer(dataDir: string): Promise<ServerInfo | undefined> {
  return (await isHeld(dataDir)) ? readServerInfo(dataDir) : undefined;
}

async function isHeld(dataDir: string): Promise<boolean> {
  const file = path.join(dataDir, NAME);
  if (!existsSync(file)) return false;
  try {
    const connection = await open(file, sqlite3.OPEN_READONLY);
    connection.configure('busyTimeout', 0);
    try {
      // Takes a shared lock and gives it back; fails at once beside an exclusive one.
      await execute(connection, 'SELECT 1 FROM sqlite_master');
      return false;
    } finally {
      await close(connection);
    }
  } catch (error) {
    if (systemCode(error) === 'SQLITE_BUSY') return true;
    throw unusable(dataDir, error);
  }
}

async function createLockFile(dataDir: string): Promise<sqlite3.Database> {
  try {
    await mkdir(dataDir, { recursive: true, mode: 0o700 });
    return await open(
      path.join(dataDir, NAME),
      sqlite3.OPEN_READWRITE | sqlite3.OPEN_CREATE | sqlite3.OPEN_FULLMUTEX,
    );
  } catch (error) {
    throw unusable(dataDir, error);
  }
}

async function inUse(dataDir: string): Promise<ConflictError> {
  const info = await readServerInfo(dataDir);
  const holder = info === undefined ? 'another process' : `process ${info.pid} at ${info.url}`;
  return new ConflictError({
    code: 'DATA_DIR_IN_USE',
    message: `The data directory "${dataDir}" is in use by ${holder}`,
    hint: 'Stop that process, talk to it over its API, or give another data directory',
    details: {
      data_dir: dataDir,
      ...(info === undefined ? {} : { pid: info.pid, url: info.url }),
    },
  });
}

function unusable(dataDir: string, cause: unknown): PermanentError {
  return new PermanentError({
    code: 'DATA_DIR_UNUSABLE',
    message: `Cannot lock the data directory "${dataDir}"`,
    hint: 'Check that it is a directory and that this user may write to it',
    cause,
  });
}

function open(file: string, mode: number): Promise<sqlite3.Database> {
  return new Promise((resolve, reject) => {
    const connection = new sqlite3.Database(file, mode, (error) => {
      if (error === null) resolve(connection);
      else reject(error);
    });
  });
}

function execute(connection: sqlite3.Database, statement: string): Promise<void> {
  return new Promise((resolve, reject) => {
    connection.exec(statement, (error) => {
      if (error === null) resolve();
      else reject(error);
    });
  });
}

function close(connection: sqlite3.Database): Promise<void> {
  return new Promise((resolve, reject) => {
    connection.close((error) => {
      held.delete(connection);
      if (error === null) resolve();
      else reject(error);
    });
  });
}
