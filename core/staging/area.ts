import { mkdir, readdir, rename, rm, statfs } from 'node:fs/promises';
import path from 'node:path';
import { crashPoint } from '../base/crash-point.js';
import type { Generation } from './generation.js';

/**
 * The files of the staging area: `data/` holds generations, `work/` the workspaces of tasks. Every
 * name carries the epoch of the life that made it, so that a sweep can tell what is left over. Which
 * file is wanted is the database's to say; this class only knows where it is.
 */
export class StagingArea {
  readonly #data: string;
  readonly #work: string;
  /** Names of the workspaces that this life has made and not removed; the sweep knows the others. */
  readonly #workspaces = new Set<string>();

  /** `root` is absolute. */
  constructor(readonly root: string) {
    this.#data = path.join(root, 'data');
    this.#work = path.join(root, 'work');
  }

  async start(): Promise<void> {
    await mkdir(this.#data, { recursive: true, mode: 0o700 });
    await mkdir(this.#work, { recursive: true, mode: 0o700 });
  }

  /** Absolute path of a generation's file. */
  pathOf(generation: Pick<Generation, 'file'>): string {
    return path.join(this.#data, generation.file);
  }

  /** Bytes that the file system has left for us. */
  async freeBytes(): Promise<number> {
    const { bavail, bsize } = await statfs(this.root);
    return bavail * bsize;
  }

  /** Renames a file of a workspace into a generation's place. */
  async moveIn(file: string, generation: Pick<Generation, 'file'>): Promise<void> {
    await rename(file, this.pathOf(generation));
  }

  /** Removes a generation's file; succeeds where it is gone. */
  async remove(generation: Pick<Generation, 'file'>): Promise<void> {
    await rm(this.pathOf(generation), { force: true });
  }

  /** Directory of one task's own files; made when it is first asked for. */
  async workspace(importId: string, position: number, epoch: number): Promise<string> {
    const name = workspaceName(importId, position, epoch);
    const directory = path.join(this.#work, name);
    this.#workspaces.add(name);
    await mkdir(directory, { recursive: true, mode: 0o700 });
    return directory;
  }

  /** Removes every workspace of a task that this life has made. */
  async removeWorkspace(importId: string, position: number): Promise<void> {
    await this.#removeWorkspaces((name) => name.startsWith(`${importId}.${position}.`));
  }

  async removeWorkspaces(importId: string): Promise<void> {
    await this.#removeWorkspaces((name) => name.startsWith(`${importId}.`));
  }

  async #removeWorkspaces(belongs: (name: string) => boolean): Promise<void> {
    for (const name of this.#workspaces) {
      if (!belongs(name)) continue;
      await rm(path.join(this.#work, name), { recursive: true, force: true });
      this.#workspaces.delete(name);
    }
  }

  /**
   * Removes what no row owns: generations that `isLive` does not know, and every workspace, both only
   * of epochs before `epoch`. Answers the names that went.
   */
  async sweep(epoch: number, isLive: (file: string) => boolean): Promise<readonly string[]> {
    const removed: string[] = [];
    const sweepDirectory = async (directory: string, live: (file: string) => boolean) => {
      for (const name of await readdir(directory)) {
        if (epochOf(name) >= epoch || live(name)) continue;
        crashPoint('sweep:before-unlink');
        await rm(path.join(directory, name), { recursive: true, force: true });
        crashPoint('sweep:unlinked');
        removed.push(name);
      }
    };
    await sweepDirectory(this.#data, isLive);
    await sweepDirectory(this.#work, () => false);
    return removed;
  }
}

function workspaceName(importId: string, position: number, epoch: number): string {
  return `${importId}.${position}.${epoch}`;
}

/** A name without an epoch is nobody's: it counts as of the first life. */
function epochOf(name: string): number {
  const epoch = Number(name.slice(name.lastIndexOf('.') + 1));
  return Number.isSafeInteger(epoch) ? epoch : 0;
}
