import type { ImageMember, MemberStatus } from '../../image/member.js';
import { deleteRows, insertRows } from '../change-rows.js';
import { conditionalUpdate } from '../conditional-update.js';
import { ImageMemberRow } from '../entities/image-member-row.js';
import { fromTime, toTime } from '../numbers.js';
import { findRows } from '../select-rows.js';
import type { Sql } from '../statements.js';

/** In the order of their sharing. */
export async function listMembers(sql: Sql, imageId: string): Promise<readonly ImageMember[]> {
  const rows = await sql.run((manager) =>
    findRows(manager, ImageMemberRow, { imageId }, '"created_at", "project_id"'),
  );
  return rows.map((row) => ({
    imageId: row.imageId,
    projectId: row.projectId,
    status: row.status,
    createdAt: fromTime(row.createdAt),
    updatedAt: fromTime(row.updatedAt),
  }));
}

export async function insertMember(sql: Sql, member: ImageMember): Promise<void> {
  await sql.run((manager) =>
    insertRows(manager, ImageMemberRow, [
      {
        imageId: member.imageId,
        projectId: member.projectId,
        status: member.status,
        createdAt: toTime(member.createdAt),
        updatedAt: toTime(member.updatedAt),
      },
    ]),
  );
}

export async function updateMember(
  sql: Sql,
  imageId: string,
  projectId: string,
  change: { readonly status: MemberStatus },
  at: Date,
): Promise<boolean> {
  return sql.run((manager) =>
    conditionalUpdate(
      manager,
      ImageMemberRow,
      { imageId, projectId },
      { status: change.status, updatedAt: toTime(at) },
    ),
  );
}

export async function deleteMember(sql: Sql, imageId: string, projectId: string): Promise<void> {
  await sql.run((manager) => deleteRows(manager, ImageMemberRow, { imageId, projectId }));
}
