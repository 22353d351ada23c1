import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Changes are told of in the order of their commits, and not before. */
export class Notify1764200000000 implements MigrationInterface {
  readonly name = 'Notify1764200000000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`CREATE TABLE "notifications" (
      "sequence" integer PRIMARY KEY AUTOINCREMENT NOT NULL,
      "id" text NOT NULL,
      "at" bigint NOT NULL,
      "type" text NOT NULL,
      "payload" text NOT NULL
    )`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE "notifications"');
  }
}
