/** What a project says to an image that was shared with it. Only accepted ones are in its lists. */
export const MEMBER_STATUSES = ['pending', 'accepted', 'rejected'] as const;
export type MemberStatus = (typeof MEMBER_STATUSES)[number];

/** A project that a `shared` image is shared with; without effect while it is not `shared`. */
export interface ImageMember {
  readonly imageId: string;
  readonly projectId: string;
  readonly status: MemberStatus;
  readonly createdAt: Date;
  readonly updatedAt: Date;
}
