import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Volumes are made of images, also after a crash; images that are clones get their digests later. */
export class MakeVolumes1764400000000 implements MigrationInterface {
  readonly name = 'MakeVolumes1764400000000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`CREATE TABLE "image_volumes" (
      "id" text PRIMARY KEY NOT NULL,
      "image_id" text NOT NULL,
      "project_id" text NOT NULL,
      "user_id" text,
      "store" text NOT NULL,
      "wish" text NOT NULL,
      "state" text NOT NULL,
      "made" text,
      "failure" text,
      "created_at" bigint NOT NULL,
      "finished_at" bigint,
      CONSTRAINT "chk_image_volumes_state" CHECK ("state" IN ('pending', 'succeeded', 'failed')),
      CONSTRAINT "fk_image_volumes_image" FOREIGN KEY ("image_id") REFERENCES "images" ("id") ON DELETE NO ACTION ON UPDATE NO ACTION DEFERRABLE INITIALLY DEFERRED
    )`);
    await runner.query(
      'CREATE INDEX "ix_image_volumes_image" ON "image_volumes" ("image_id", "project_id")',
    );
    await runner.query(
      `CREATE INDEX "ix_image_volumes_pending" ON "image_volumes" ("project_id") WHERE "state" = 'pending'`,
    );
    await runner.query(
      'CREATE INDEX "ix_image_volumes_finished" ON "image_volumes" ("finished_at") WHERE "finished_at" IS NOT NULL',
    );
    // Images without digests are found without reading all others.
    await runner.query(
      `CREATE INDEX "ix_images_undigested" ON "images" ("id") WHERE "status" = 'active' AND "os_hash_value" IS NULL AND "size" > 0`,
    );
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP INDEX "ix_images_undigested"');
    await runner.query('DROP TABLE "image_volumes"');
  }
}
