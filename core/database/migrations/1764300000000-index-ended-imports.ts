import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Imports that ended long ago are found without reading all others. */
export class IndexEndedImports1764300000000 implements MigrationInterface {
  readonly name = 'IndexEndedImports1764300000000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(
      `CREATE INDEX "ix_imports_finished" ON "imports" ("finished_at") WHERE "finished_at" IS NOT NULL`,
    );
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP INDEX "ix_imports_finished"');
  }
}
