import type { MigrationInterface, QueryRunner } from 'typeorm';

/** What an import of staged bytes may ask for beside them, so that a share is kept for it. */
export class NeedsOfStagedData1764115000000 implements MigrationInterface {
  readonly name = 'NeedsOfStagedData1764115000000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`ALTER TABLE "reservations" ADD COLUMN "need" bigint`);
    await runner.query(
      `UPDATE "reservations" SET "need" = 0 WHERE "generation_id" IN (SELECT "id" FROM "generations" WHERE "state" = 'ready')`,
    );
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`ALTER TABLE "reservations" DROP COLUMN "need"`);
  }
}
