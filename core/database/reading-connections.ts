import type { DataSource, EntityManager } from 'typeorm';
import { Statements } from './statements.js';
import type { Sql } from './statements.js';

/**
 * Connections that only read, of which each statement takes the one with the shortest line. With one, all
 * requests would wait in one line, in which each statement takes a turn of the event loop: a long
 * time while bytes pass. SQLite reads beside a writer without waiting for it.
 */
export class ReadingConnections implements Sql {
  readonly #sources: readonly DataSource[];
  readonly #lines: readonly Statements[];

  constructor(sources: readonly DataSource[]) {
    this.#sources = sources;
    this.#lines = sources.map(({ manager }) => new Statements(manager, 'The database connection'));
  }

  run<T>(statements: (manager: EntityManager) => Promise<T>): Promise<T> {
    const shortest = this.#lines.reduce((one, other) => (other.length < one.length ? other : one));
    return shortest.run(statements);
  }

  /** Waits for what is under way. */
  async close(): Promise<void> {
    await Promise.all(this.#lines.map((line) => line.end()));
    await Promise.all(this.#sources.map((source) => source.destroy()));
  }
}
