/**
 * Every rule there is, with its default. Names and defaults are those of Glance's secure RBAC, so that
 * policy files can be carried over; what Glance has no name for is at the end. Nothing else in Stowage
 * decides by role or project who may do something.
 */
const ADMIN = 'rule:context_is_admin';
const OWN = 'project_id:%(project_id)s';
const SHARED_WITH = 'project_id:%(member_id)s';
const OWNER_WRITES = `${ADMIN} or (role:member and ${OWN})`;
const OWNER_READS = `${ADMIN} or (role:reader and ${OWN})`;
const VISIBLE = `${OWN} or ${SHARED_WITH} or 'community':%(visibility)s or 'public':%(visibility)s`;

interface RuleDefault {
  readonly rule: string;
  /** What the rule guards, for documents. */
  readonly guards: string;
}

export const RULES = {
  context_is_admin: {
    rule: 'role:admin',
    guards: 'Who is an administrator: sees and lists the images of every project',
  },
  service_api: {
    rule: 'role:service or service_roles:service or role:admin',
    guards: 'Who is a service, or speaks through one',
  },

  get_images: { rule: OWNER_READS, guards: '`GET /v2/images`' },
  get_image: {
    rule: `${ADMIN} or (role:reader and (${VISIBLE}))`,
    guards: '`GET /v2/images/{id}`; who may not, for them there is no such image',
  },
  add_image: {
    rule: `${ADMIN} or (role:member and ${OWN} and project_id:%(owner)s)`,
    guards: '`POST /v2/images`',
  },
  modify_image: {
    rule: OWNER_WRITES,
    guards: '`PATCH`, tags, `PUT …/stage`, `POST …/import`, and cancel and retry of imports',
  },
  delete_image: { rule: OWNER_WRITES, guards: '`DELETE /v2/images/{id}`' },
  publicize_image: { rule: ADMIN, guards: 'Visibility `public`' },
  communitize_image: { rule: OWNER_WRITES, guards: 'Visibility `community`' },
  upload_image: { rule: OWNER_WRITES, guards: '`PUT …/file`' },
  download_image: {
    rule: `${ADMIN} or (role:member and (${VISIBLE}))`,
    guards: '`GET …/file`',
  },
  create_image_volume: {
    rule: 'rule:download_image',
    guards: '`…/volumes`: volumes made of an image',
  },
  copy_image: { rule: ADMIN, guards: '`POST …/import` with the method `copy-image`' },
  deactivate: { rule: OWNER_WRITES, guards: '`POST …/actions/deactivate`' },
  reactivate: { rule: OWNER_WRITES, guards: '`POST …/actions/reactivate`' },

  get_image_location: {
    rule: OWNER_READS,
    guards: 'Locations in an image, where they are shown at all',
  },
  set_image_location: { rule: OWNER_WRITES, guards: '`PATCH` of `locations`: add and replace' },
  delete_image_location: {
    rule: ADMIN,
    guards: '`PATCH` of `locations`: remove; `DELETE /v2/stores/{store}/{id}`',
  },
  add_image_location: {
    rule: `rule:service_api or (role:member and ${OWN} and project_id:%(owner)s)`,
    guards: '`POST …/locations`',
  },
  fetch_image_location: { rule: 'rule:service_api', guards: '`GET …/locations`' },

  get_members: {
    rule: `${ADMIN} or role:reader and (${OWN} or ${SHARED_WITH})`,
    guards: '`GET …/members`',
  },
  get_member: {
    rule: `${ADMIN} or role:reader and (${OWN} or ${SHARED_WITH})`,
    guards: '`GET …/members/{member}`, and each entry of the list',
  },
  add_member: { rule: OWNER_WRITES, guards: '`POST …/members`' },
  modify_member: {
    rule: `${ADMIN} or (role:member and ${SHARED_WITH})`,
    guards: '`PUT …/members/{member}`',
  },
  delete_member: { rule: OWNER_WRITES, guards: '`DELETE …/members/{member}`' },

  tasks_api_access: { rule: ADMIN, guards: '`/v2/tasks`' },
  get_tasks: { rule: '@', guards: '`GET /v2/tasks`, beside `tasks_api_access`' },
  get_task: { rule: '@', guards: '`GET /v2/tasks/{id}`, beside `tasks_api_access`' },
  add_task: { rule: '@', guards: '`POST /v2/tasks`, beside `tasks_api_access`' },

  stores_info_detail: { rule: 'rule:service_api', guards: '`GET /v2/info/stores/detail`' },
  manage_image_cache: { rule: ADMIN, guards: '`/v2/cache`' },

  download_deactivated_image: {
    rule: ADMIN,
    guards: '`GET …/file` of a deactivated image, beside `download_image`',
  },
  set_image_owner: {
    rule: ADMIN,
    guards: 'Another `owner` in `PATCH`, beside `modify_image`',
  },
  get_imports: {
    rule: OWNER_READS,
    guards: '`GET /stowage/v1/imports`',
  },
  get_import: {
    rule: OWNER_READS,
    guards: 'One import, its events, and the tasks of an image; the target is the image’s project',
  },
} as const satisfies Readonly<Record<string, RuleDefault>>;

export type RuleName = keyof typeof RULES;

export function isRuleName(name: string): name is RuleName {
  return Object.hasOwn(RULES, name);
}
