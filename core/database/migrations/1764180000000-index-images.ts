import type { MigrationInterface, QueryRunner } from 'typeorm';

const COLUMNS = {
  visibility: 'visibility',
  name: 'name',
  status: 'status',
  disk_format: 'disk_format',
  size: 'size',
  hidden: 'os_hidden',
  updated: 'updated_at',
};

/** Lists take as long of many images as of few. */
export class IndexImages1764180000000 implements MigrationInterface {
  readonly name = 'IndexImages1764180000000';

  async up(runner: QueryRunner): Promise<void> {
    for (const [name, column] of Object.entries(COLUMNS)) {
      await runner.query(
        `CREATE INDEX "ix_images_${name}" ON "images" ("${column}", "created_at", "id") WHERE "deleted_at" IS NULL`,
      );
    }
  }

  async down(runner: QueryRunner): Promise<void> {
    for (const name of Object.keys(COLUMNS)) await runner.query(`DROP INDEX "ix_images_${name}"`);
  }
}
