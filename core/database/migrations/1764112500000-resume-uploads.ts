import type { MigrationInterface, QueryRunner } from 'typeorm';

const COLUMNS = [
  ['upload_length', 'bigint'],
  ['upload_metadata', 'text'],
  ['upload_touched_at', 'bigint'],
] as const;

/** What is known of bytes that a client sends over several requests. */
export class ResumeUploads1764112500000 implements MigrationInterface {
  readonly name = 'ResumeUploads1764112500000';

  async up(runner: QueryRunner): Promise<void> {
    for (const [name, type] of COLUMNS) {
      await runner.query(`ALTER TABLE "generations" ADD COLUMN "${name}" ${type}`);
    }
  }

  async down(runner: QueryRunner): Promise<void> {
    for (const [name] of COLUMNS.toReversed()) {
      await runner.query(`ALTER TABLE "generations" DROP COLUMN "${name}"`);
    }
  }
}
