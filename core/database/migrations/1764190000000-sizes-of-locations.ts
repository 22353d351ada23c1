import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Images whose bytes were put into a store without passing through an import have a size, too. */
export class SizesOfLocations1764190000000 implements MigrationInterface {
  readonly name = 'SizesOfLocations1764190000000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query('ALTER TABLE "tasks" ADD COLUMN "size" bigint');
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('ALTER TABLE "tasks" DROP COLUMN "size"');
  }
}
