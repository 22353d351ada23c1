import type { ImportUpdate } from './service.js';

type Listener = (update: ImportUpdate) => void;

/** Passes on what has been committed to those who follow an import. Keeps nothing. */
export class EventHub {
  readonly #listeners = new Map<string, Set<Listener>>();

  publish(importId: string, update: ImportUpdate): void {
    for (const listener of this.#listeners.get(importId) ?? []) listener(update);
  }

  /** Answers how to stop listening. */
  subscribe(importId: string, listener: Listener): () => void {
    const listeners = this.#listeners.get(importId) ?? new Set();
    this.#listeners.set(importId, listeners.add(listener));
    return () => {
      listeners.delete(listener);
      if (listeners.size === 0) this.#listeners.delete(importId);
    };
  }
}
