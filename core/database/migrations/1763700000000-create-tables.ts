import type { MigrationInterface, QueryRunner } from 'typeorm';

/** The catalogue, the imports with their tasks and events, staging, locations and plugin state. */
export class CreateTables1763700000000 implements MigrationInterface {
  /** Kept in the database; the number at its end gives the order. */
  readonly name = 'CreateTables1763700000000';

  async up(runner: QueryRunner): Promise<void> {
    for (const statement of STATEMENTS) await runner.query(statement);
  }

  async down(runner: QueryRunner): Promise<void> {
    for (const table of TABLES.toReversed()) await runner.query(`DROP TABLE "${table}"`);
  }
}

/** Each after the tables that it refers to. Indices go with their table. */
const TABLES = [
  'worker_epochs',
  'images',
  'image_properties',
  'image_tags',
  'imports',
  'tasks',
  'import_events',
  'generations',
  'observations',
  'reservations',
  'locations',
  'plugin_states',
];

const STATEMENTS = [
  `CREATE TABLE "worker_epochs" (
    "epoch" integer PRIMARY KEY AUTOINCREMENT NOT NULL,
    "started_at" bigint NOT NULL,
    "pid" integer NOT NULL,
    "host" text NOT NULL
  )`,

  `CREATE TABLE "images" (
    "id" text NOT NULL,
    "name" text,
    "status" text NOT NULL,
    "visibility" text NOT NULL,
    "owner" text,
    "disk_format" text,
    "container_format" text,
    "size" bigint,
    "virtual_size" bigint,
    "checksum" text,
    "os_hash_algo" text,
    "os_hash_value" text,
    "min_disk" bigint NOT NULL,
    "min_ram" bigint NOT NULL,
    "protected" boolean NOT NULL,
    "os_hidden" boolean NOT NULL,
    "created_at" bigint NOT NULL,
    "updated_at" bigint NOT NULL,
    "deleted_at" bigint,
    CONSTRAINT "chk_images_status" CHECK ("status" IN ('queued', 'saving', 'uploading', 'importing', 'active', 'deactivated', 'killed', 'deleted', 'pending_delete')),
    CONSTRAINT "chk_images_visibility" CHECK ("visibility" IN ('public', 'community', 'shared', 'private')),
    CONSTRAINT "chk_images_disk_format" CHECK ("disk_format" IN ('ami', 'ari', 'aki', 'vhd', 'vhdx', 'vmdk', 'raw', 'qcow2', 'vdi', 'ploop', 'iso')),
    CONSTRAINT "chk_images_container_format" CHECK ("container_format" IN ('ami', 'ari', 'aki', 'bare', 'ovf', 'ova', 'docker', 'compressed')),
    CONSTRAINT "chk_images_deleted" CHECK (("status" = 'deleted') = ("deleted_at" IS NOT NULL)),
    PRIMARY KEY ("id")
  )`,
  `CREATE INDEX "ix_images_created" ON "images" ("created_at", "id") WHERE "deleted_at" IS NULL`,
  `CREATE INDEX "ix_images_owner" ON "images" ("owner", "created_at", "id") WHERE "deleted_at" IS NULL`,

  `CREATE TABLE "image_properties" (
    "image_id" text NOT NULL,
    "name" text NOT NULL,
    "value" text NOT NULL,
    CONSTRAINT "fk_image_properties_image" FOREIGN KEY ("image_id") REFERENCES "images" ("id") ON DELETE CASCADE,
    PRIMARY KEY ("image_id", "name")
  ) WITHOUT ROWID`,
  `CREATE INDEX "ix_image_properties_value" ON "image_properties" ("name", "value", "image_id")`,

  `CREATE TABLE "image_tags" (
    "image_id" text NOT NULL,
    "tag" text NOT NULL,
    CONSTRAINT "fk_image_tags_image" FOREIGN KEY ("image_id") REFERENCES "images" ("id") ON DELETE CASCADE,
    PRIMARY KEY ("image_id", "tag")
  ) WITHOUT ROWID`,
  `CREATE INDEX "ix_image_tags_tag" ON "image_tags" ("tag", "image_id")`,

  `CREATE TABLE "imports" (
    "id" text NOT NULL,
    "image_id" text NOT NULL,
    "method" text NOT NULL,
    "params" text NOT NULL,
    "stores" text NOT NULL,
    "all_stores_must_succeed" boolean NOT NULL,
    "data" text NOT NULL,
    "state" text NOT NULL,
    "epoch" bigint NOT NULL,
    "caller" text NOT NULL,
    "request_id" text NOT NULL,
    "flow" text NOT NULL,
    "user_patched" text NOT NULL,
    "expected_digest" text,
    "idempotency_key" text,
    "cancel" text,
    "failure" text,
    "created_at" bigint NOT NULL,
    "started_at" bigint,
    "finished_at" bigint,
    CONSTRAINT "chk_imports_state" CHECK ("state" IN ('pending', 'running', 'reverting', 'succeeded', 'failed', 'cancelled', 'revert_failed')),
    CONSTRAINT "chk_imports_data" CHECK ("data" IN ('new', 'existing', 'none')),
    CONSTRAINT "chk_imports_cancel" CHECK ("cancel" IN ('user', 'deleted')),
    CONSTRAINT "fk_imports_image" FOREIGN KEY ("image_id") REFERENCES "images" ("id") DEFERRABLE INITIALLY DEFERRED,
    PRIMARY KEY ("id")
  )`,
  `CREATE UNIQUE INDEX "uq_imports_live" ON "imports" ("image_id") WHERE "state" IN ('pending', 'running', 'reverting')`,
  `CREATE UNIQUE INDEX "uq_imports_idempotency_key" ON "imports" ("image_id", "idempotency_key")`,
  `CREATE INDEX "ix_imports_image" ON "imports" ("image_id", "created_at", "id")`,
  `CREATE INDEX "ix_imports_created" ON "imports" ("created_at", "id")`,
  `CREATE INDEX "ix_imports_state" ON "imports" ("state", "created_at", "id")`,

  `CREATE TABLE "tasks" (
    "import_id" text NOT NULL,
    "position" integer NOT NULL,
    "entry" text NOT NULL,
    "plugin" text NOT NULL,
    "store" text,
    "state" text NOT NULL,
    "attempt" integer NOT NULL,
    "retries" integer NOT NULL,
    "checkpoint" text,
    "draft" text,
    "output" text,
    "virtual_size" bigint,
    "reason" text,
    "failure" text,
    "progress_done" double,
    "progress_total" double,
    "retry_at" bigint,
    "started_at" bigint,
    "finished_at" bigint,
    CONSTRAINT "chk_tasks_state" CHECK ("state" IN ('pending', 'waiting', 'running', 'succeeded', 'skipped', 'failed', 'cancelled', 'reverting', 'reverted', 'revert_failed')),
    CONSTRAINT "fk_tasks_import" FOREIGN KEY ("import_id") REFERENCES "imports" ("id") ON DELETE CASCADE,
    PRIMARY KEY ("import_id", "position")
  )`,

  `CREATE TABLE "import_events" (
    "import_id" text NOT NULL,
    "sequence" integer NOT NULL,
    "at" bigint NOT NULL,
    "type" text NOT NULL,
    "data" text NOT NULL,
    CONSTRAINT "fk_import_events_import" FOREIGN KEY ("import_id") REFERENCES "imports" ("id") ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED,
    PRIMARY KEY ("import_id", "sequence")
  )`,

  `CREATE TABLE "generations" (
    "id" text NOT NULL,
    "image_id" text NOT NULL,
    "import_id" text,
    "number" integer NOT NULL,
    "position" integer,
    "file" text NOT NULL,
    "state" text NOT NULL,
    "epoch" bigint NOT NULL,
    "durable" bigint NOT NULL,
    "validator" text,
    "size" bigint,
    "allocated_size" bigint,
    "digests" text,
    "inspection" text,
    "created_at" bigint NOT NULL,
    "ready_at" bigint,
    CONSTRAINT "chk_generations_state" CHECK ("state" IN ('writing', 'ready', 'releasing')),
    CONSTRAINT "fk_generations_image" FOREIGN KEY ("image_id") REFERENCES "images" ("id") DEFERRABLE INITIALLY DEFERRED,
    CONSTRAINT "fk_generations_import" FOREIGN KEY ("import_id") REFERENCES "imports" ("id") ON DELETE SET NULL DEFERRABLE INITIALLY DEFERRED,
    PRIMARY KEY ("id")
  )`,
  `CREATE UNIQUE INDEX "uq_generations_file" ON "generations" ("file")`,
  `CREATE INDEX "ix_generations_image" ON "generations" ("image_id")`,
  `CREATE INDEX "ix_generations_import" ON "generations" ("import_id")`,
  `CREATE INDEX "ix_generations_state" ON "generations" ("state", "ready_at")`,

  `CREATE TABLE "observations" (
    "generation_id" text NOT NULL,
    "observer" text NOT NULL,
    "result" text NOT NULL,
    CONSTRAINT "fk_observations_generation" FOREIGN KEY ("generation_id") REFERENCES "generations" ("id") ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED,
    PRIMARY KEY ("generation_id", "observer")
  )`,

  `CREATE TABLE "reservations" (
    "id" text NOT NULL,
    "purpose" text NOT NULL,
    "image_id" text NOT NULL,
    "import_id" text,
    "generation_id" text,
    "bytes" bigint NOT NULL,
    CONSTRAINT "chk_reservations_purpose" CHECK ("purpose" IN ('data', 'workspace')),
    CONSTRAINT "chk_reservations_bytes" CHECK ("bytes" >= 0),
    CONSTRAINT "fk_reservations_image" FOREIGN KEY ("image_id") REFERENCES "images" ("id") DEFERRABLE INITIALLY DEFERRED,
    CONSTRAINT "fk_reservations_import" FOREIGN KEY ("import_id") REFERENCES "imports" ("id") ON DELETE SET NULL DEFERRABLE INITIALLY DEFERRED,
    CONSTRAINT "fk_reservations_generation" FOREIGN KEY ("generation_id") REFERENCES "generations" ("id") ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED,
    PRIMARY KEY ("id")
  )`,
  `CREATE INDEX "ix_reservations_import" ON "reservations" ("import_id")`,
  `CREATE INDEX "ix_reservations_generation" ON "reservations" ("generation_id")`,

  `CREATE TABLE "locations" (
    "id" text NOT NULL,
    "image_id" text NOT NULL,
    "store" text NOT NULL,
    "object_name" text NOT NULL,
    "url" text,
    "state" text NOT NULL,
    "import_id" text,
    "epoch" bigint NOT NULL,
    "metadata" text NOT NULL,
    "linked_generation" text,
    "created_at" bigint NOT NULL,
    CONSTRAINT "chk_locations_state" CHECK ("state" IN ('pending', 'placed', 'active', 'deleting')),
    CONSTRAINT "fk_locations_image" FOREIGN KEY ("image_id") REFERENCES "images" ("id") DEFERRABLE INITIALLY DEFERRED,
    CONSTRAINT "fk_locations_import" FOREIGN KEY ("import_id") REFERENCES "imports" ("id") ON DELETE SET NULL DEFERRABLE INITIALLY DEFERRED,
    PRIMARY KEY ("id")
  )`,
  `CREATE UNIQUE INDEX "uq_locations_image_store" ON "locations" ("image_id", "store") WHERE "state" <> 'deleting'`,
  `CREATE UNIQUE INDEX "uq_locations_object" ON "locations" ("store", "object_name")`,
  `CREATE INDEX "ix_locations_image" ON "locations" ("image_id", "state")`,
  `CREATE INDEX "ix_locations_import" ON "locations" ("import_id")`,
  `CREATE INDEX "ix_locations_state" ON "locations" ("state")`,

  `CREATE TABLE "plugin_states" (
    "plugin" text NOT NULL,
    "key" text NOT NULL,
    "value" text NOT NULL,
    PRIMARY KEY ("plugin", "key")
  ) WITHOUT ROWID`,
];
