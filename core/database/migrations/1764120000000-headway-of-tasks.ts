import type { MigrationInterface, QueryRunner } from 'typeorm';

const COLUMNS = [
  ['counted_from', 'integer'],
  ['reached', 'bigint'],
] as const;

/** Attempts that come further are told from those that do not. */
export class HeadwayOfTasks1764120000000 implements MigrationInterface {
  readonly name = 'HeadwayOfTasks1764120000000';

  async up(runner: QueryRunner): Promise<void> {
    for (const [name, type] of COLUMNS) {
      await runner.query(`ALTER TABLE "tasks" ADD COLUMN "${name}" ${type} NOT NULL DEFAULT (0)`);
    }
  }

  async down(runner: QueryRunner): Promise<void> {
    for (const [name] of COLUMNS.toReversed()) {
      await runner.query(`ALTER TABLE "tasks" DROP COLUMN "${name}"`);
    }
  }
}
