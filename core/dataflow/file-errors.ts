import { basename } from 'node:path';
import {
  CapacityError,
  ConflictError,
  PermanentError,
  StowageError,
  systemCode,
  TransientError,
  wordsOf,
} from '../base/errors.js';

const FULL = new Set(['ENOSPC', 'EDQUOT', 'EFBIG']);
const EXHAUSTED = new Set(['EMFILE', 'ENFILE', 'ENOMEM']);

/** What a failed call on a file means to the person who runs the server. */
export function fileError(error: unknown, action: 'read' | 'write', path: string): StowageError {
  if (error instanceof StowageError) return error;
  const code = systemCode(error) ?? 'unknown';
  const facts = {
    message: `Cannot ${action} the file "${basename(path)}": ${error instanceof Error ? wordsOf(error) : String(error)}`,
    details: { action, systemCode: code },
    cause: error,
  };
  if (FULL.has(code)) {
    return new CapacityError({
      ...facts,
      code: 'STAGING_DISK_FULL',
      retryAfter: 60,
      hint: 'Free space on the file system of the file, or lower the staging capacity in the configuration',
    });
  }
  if (EXHAUSTED.has(code)) {
    return new TransientError({
      ...facts,
      code: 'STAGING_EXHAUSTED',
      hint: 'Raise the limit of open files (`LimitNOFILE=`) or the memory of the server',
    });
  }
  if (code === 'EEXIST') {
    return new ConflictError({
      ...facts,
      code: 'FILE_EXISTS',
      hint: 'Choose another name, or remove the file if nothing uses it',
    });
  }
  if (code === 'ENOENT') {
    return new PermanentError({
      ...facts,
      code: 'FILE_MISSING',
      hint: 'Check that nothing but the server removes files from its directories',
    });
  }
  return new PermanentError({
    ...facts,
    code: 'FILE_FAILED',
    hint: 'Check the disk, its mount options and the owner of the directory, then try again',
  });
}
