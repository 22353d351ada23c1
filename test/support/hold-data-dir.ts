/** Takes the lock of a data directory and keeps it until it is killed. */
import { lockDataDir } from '../../core/database/data-dir-lock.js';
import { writeServerInfo } from '../../core/database/server-info.js';
import { StowageError } from '../../core/base/errors.js';

const dataDir = process.argv[2] ?? '';
try {
  await lockDataDir(dataDir);
  const startedAt = new Date();
  await writeServerInfo(dataDir, { pid: process.pid, url: 'http://127.0.0.1:1', startedAt });
  process.stdout.write('held\n');
  setInterval(() => undefined, 60_000);
} catch (error) {
  process.stdout.write(`${error instanceof StowageError ? error.code : String(error)}\n`);
}
