import { NO_CONTENT } from './operation.js';
import type { Operation } from './operation.js';

const tag = 'Sharing';
const MEMBERS = '/v2/images/{id}/members';
const MEMBER = `${MEMBERS}/{member}`;

export const SHARING_OPERATIONS: readonly Operation[] = [
  {
    method: 'get',
    path: MEMBERS,
    id: 'listMembers',
    summary: 'The projects that an image is shared with',
    tag,
    answers: { 200: { description: 'All that the caller may know of', json: 'Members' } },
  },
  {
    method: 'post',
    path: MEMBERS,
    id: 'addMember',
    summary: 'Share an image with a project',
    tag,
    body: { json: 'NewMember' },
    answers: { 200: { description: 'The member, which has not answered', json: 'Member' } },
  },
  {
    method: 'get',
    path: MEMBER,
    id: 'showMember',
    summary: 'One project that an image is shared with',
    tag,
    answers: { 200: { description: 'The member', json: 'Member' } },
  },
  {
    method: 'put',
    path: MEMBER,
    id: 'answerSharing',
    summary: 'Say, as the member, whether the image is wanted in lists',
    tag,
    body: { json: 'MemberAnswer' },
    answers: { 200: { description: 'The member', json: 'Member' } },
  },
  {
    method: 'delete',
    path: MEMBER,
    id: 'removeMember',
    summary: 'Share an image no longer with a project',
    tag,
    answers: { 204: NO_CONTENT },
  },
];
