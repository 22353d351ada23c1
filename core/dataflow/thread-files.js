/**
 * @import { FileAccess, ThreadOperations } from './thread-protocol.js'
 */
import fs from 'node:fs';
import { dataRuns } from './data-runs.js';

/** A symbolic link in the place of a file is never followed. */
const { O_CREAT, O_EXCL, O_NOFOLLOW, O_RDONLY, O_RDWR, O_TRUNC } = fs.constants;

/** @type {Record<FileAccess, number>} */
const FLAGS = {
  read: O_RDONLY,
  write: O_RDWR | O_NOFOLLOW,
  replace: O_RDWR | O_CREAT | O_TRUNC | O_NOFOLLOW,
  create: O_RDWR | O_CREAT | O_EXCL,
};

/** Bytes that a block of `st_blocks` stands for, whatever the file system's own block size is. */
const STAT_BLOCK = 512;

/** What `FICLONE` fails with where it is not possible between two files (ioctl_ficlone(2)). */
const NO_REFLINK = new Set(['ENOTSUP', 'EOPNOTSUPP', 'EXDEV', 'EINVAL', 'ENOSYS', 'ENOTTY']);

/**
 * @param {string} path of a file or a directory
 * @returns {void}
 */
function syncPath(path) {
  const fd = fs.openSync(path, O_RDONLY);
  try {
    fs.fsyncSync(fd);
  } finally {
    fs.closeSync(fd);
  }
}

/**
 * @param {Uint8Array} memory shared with the event loop
 * @returns {{ [K in 'open' | 'read' | 'write' | 'truncate' | 'allocated' | 'sync' | 'syncPath' | 'close' | 'reflink' | 'unlink']: (args: ThreadOperations[K]['args']) => ThreadOperations[K]['reply'] }}
 */
export function fileOperations(memory) {
  return {
    open({ path, access }) {
      const fd = fs.openSync(path, FLAGS[access], 0o600);
      return { fd, size: fs.fstatSync(fd).size };
    },
    read({ fd, offset, length, position }) {
      let done = 0;
      while (done < length) {
        const count = fs.readSync(fd, memory, offset + done, length - done, position + done);
        if (count === 0) break;
        done += count;
      }
      return done;
    },
    write({ fd, offset, length, position }) {
      let end = position;
      for (const run of dataRuns(memory.subarray(offset, offset + length), position)) {
        let done = run.start;
        while (done < run.end) {
          done += fs.writeSync(fd, memory, offset + done, run.end - done, position + done);
        }
        end = position + run.end;
      }
      if (end < position + length) fs.ftruncateSync(fd, position + length);
      return null;
    },
    truncate({ fd, size }) {
      fs.ftruncateSync(fd, size);
      return null;
    },
    allocated({ fd }) {
      return fs.fstatSync(fd).blocks * STAT_BLOCK;
    },
    sync({ fd, directory }) {
      fs.fdatasyncSync(fd);
      syncPath(directory);
      return null;
    },
    syncPath({ path }) {
      syncPath(path);
      return null;
    },
    close({ fd }) {
      fs.closeSync(fd);
      return null;
    },
    reflink({ from, to }) {
      try {
        fs.copyFileSync(from, to, fs.constants.COPYFILE_FICLONE_FORCE | fs.constants.COPYFILE_EXCL);
        return true;
      } catch (error) {
        if (error instanceof Error && 'code' in error && NO_REFLINK.has(String(error.code))) {
          return false;
        }
        throw error;
      }
    },
    unlink({ path }) {
      fs.rmSync(path, { force: true });
      return null;
    },
  };
}
