/**
 * What the event loop asks of a thread. The threads' own code is JavaScript with checked JSDoc types,
 * because Node 20 starts a worker from a file that it can run as it stands.
 */
export interface ThreadOperations {
  digestOpen: { readonly args: { readonly job: number; readonly algorithm: string }; reply: null };
  digestUpdate: { readonly args: { readonly job: number } & MemoryRange; reply: null };
  /** Ends the job; replies in hex. */
  digestFinish: { readonly args: { readonly job: number }; reply: string };
  /** Forgets a job, finished or not. */
  digestClose: { readonly args: { readonly job: number }; reply: null };

  open: {
    readonly args: { readonly path: string; readonly access: FileAccess };
    reply: OpenedFile;
  };
  /** Replies with the bytes read: fewer than asked for at the end of the file only. */
  read: { readonly args: FileRange; reply: number };
  /**
   * Writes what is not zero and makes the file end at the end of the range. Nothing but a hole may
   * have been in the range before.
   */
  write: { readonly args: FileRange; reply: null };
  truncate: { readonly args: { readonly fd: number; readonly size: number }; reply: null };
  /** Replies with the bytes that the file occupies. */
  allocated: { readonly args: { readonly fd: number }; reply: number };
  /** Makes the data of a file durable and its name in its directory. */
  sync: { readonly args: { readonly fd: number; readonly directory: string }; reply: null };
  /** Makes a file or a directory durable. */
  syncPath: { readonly args: { readonly path: string }; reply: null };
  close: { readonly args: { readonly fd: number }; reply: null };
  /** Replies `false` where the file system cannot share blocks between files. */
  reflink: { readonly args: { readonly from: string; readonly to: string }; reply: boolean };
  unlink: { readonly args: { readonly path: string }; reply: null };
}

/** Bytes of the memory that is shared with the threads. */
export interface MemoryRange {
  readonly offset: number;
  readonly length: number;
}

/** The same number of bytes in memory and, from `position`, in a file. */
export interface FileRange extends MemoryRange {
  readonly fd: number;
  readonly position: number;
}

/** `write` keeps what is there, `replace` empties it, `create` refuses a file that exists. */
export type FileAccess = 'read' | 'write' | 'replace' | 'create';

export interface OpenedFile {
  readonly fd: number;
  /** Bytes. */
  readonly size: number;
}

export type ThreadOperation = keyof ThreadOperations;

export interface ThreadRequest<K extends ThreadOperation = ThreadOperation> {
  readonly id: number;
  readonly operation: K;
  readonly args: ThreadOperations[K]['args'];
}

export interface ThreadReply {
  readonly id: number;
  readonly value?: unknown;
  readonly error?: { readonly message: string; readonly code: string | undefined };
}
