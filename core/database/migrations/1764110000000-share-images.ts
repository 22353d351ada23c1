import type { MigrationInterface, QueryRunner } from 'typeorm';

/** The projects that images are shared with. */
export class ShareImages1764110000000 implements MigrationInterface {
  readonly name = 'ShareImages1764110000000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`CREATE TABLE "image_members" (
      "image_id" text NOT NULL,
      "project_id" text NOT NULL,
      "status" text NOT NULL,
      "created_at" bigint NOT NULL,
      "updated_at" bigint NOT NULL,
      CONSTRAINT "chk_image_members_status" CHECK ("status" IN ('pending', 'accepted', 'rejected')),
      CONSTRAINT "fk_image_members_image" FOREIGN KEY ("image_id") REFERENCES "images" ("id") ON DELETE CASCADE,
      PRIMARY KEY ("image_id", "project_id")
    ) WITHOUT ROWID`);
    await runner.query(
      `CREATE INDEX "ix_image_members_project" ON "image_members" ("project_id", "status", "image_id")`,
    );
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`DROP TABLE "image_members"`);
  }
}
