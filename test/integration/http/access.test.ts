import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { OPERATIONS } from '../../../core/http/openapi/document.js';
import type { ImageStatus } from '../../../core/image/image.js';
import type { MemberStatus } from '../../../core/image/member.js';
import type { Answer } from '../../support/api-client.js';
import { anImage } from '../../support/an-image.js';
import { httpRig, memberOf, trustingHeaders } from '../../support/http-rig.js';
import type { HttpRig } from '../../support/http-rig.js';
import { anImport, aTask } from '../../support/records.js';

/**
 * Every route × role × how the caller's project stands to the image × state of the image, against what
 * is written here in words of its own. A route that is not here fails the last test.
 */
const ROLES = ['', 'reader', 'member', 'manager', 'admin', 'service'] as const;
type Role = (typeof ROLES)[number];

const RELATIONS = [
  'own',
  'shared, pending',
  'shared, accepted',
  'shared, rejected',
  'public',
  'community',
  'private',
  'shared with others',
] as const;
type Relation = (typeof RELATIONS)[number];

const STATES = ['queued', 'active', 'deactivated'] as const satisfies readonly ImageStatus[];
type State = (typeof STATES)[number];

/** What policy makes of a request: `let` is whatever follows behind it, of the right kind or not. */
type Verdict = 'let' | 'denied' | 'hidden';
interface Cell {
  readonly role: Role;
  readonly relation: Relation;
  readonly state: State;
}

const reads = (role: Role) => ['reader', 'member', 'manager', 'admin'].includes(role);
const writes = (role: Role) => ['member', 'manager', 'admin'].includes(role);
const isShared = (relation: Relation) => relation.startsWith('shared, ');
const sees = ({ role, relation }: Cell) =>
  role === 'admin' || (reads(role) && relation !== 'private' && relation !== 'shared with others');

type Rule = (cell: Cell) => Verdict;
const seen =
  (may: (cell: Cell) => boolean): Rule =>
  (cell) =>
    sees(cell) ? (cell.role === 'admin' || may(cell) ? 'let' : 'denied') : 'hidden';

const SEE = seen(() => true);
const CHANGE = seen(({ role, relation }) => writes(role) && relation === 'own');
const ADMIN = seen(() => false);
const BYTES = seen(({ role, state }) => writes(role) && state !== 'deactivated');
const VOLUMES = seen(({ role }) => writes(role));
const MEMBERS = seen(({ relation }) => relation === 'own' || isShared(relation));
/** Of a member that is not the caller: the owner sees it, other members do not. */
const OTHER_MEMBER: Rule = (cell) => {
  if (cell.role === 'admin' && ['public', 'community', 'private'].includes(cell.relation)) {
    return 'hidden';
  }
  return sees(cell) && (cell.role === 'admin' || cell.relation === 'own') ? 'let' : 'hidden';
};
const ANSWER_FOR_OTHER: Rule = (cell) => {
  if (!sees(cell) || (cell.role !== 'admin' && isShared(cell.relation))) return 'hidden';
  return cell.role !== 'admin' && cell.relation === 'own' ? 'denied' : 'let';
};
const IMPORT: Rule = ({ role, relation }) =>
  role === 'admin' || (reads(role) && relation === 'own') ? 'let' : 'hidden';
const CHANGE_IMPORT: Rule = (cell) => (IMPORT(cell) === 'hidden' ? 'hidden' : CHANGE(cell));

interface Probe {
  readonly rule: Rule;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  /** The probe needs an import of the image. */
  readonly onImport?: true;
}

const PATCH = { 'content-type': 'application/openstack-images-v2.1-json-patch' };
const OCTETS = { 'content-type': 'application/octet-stream' };
const TUS = { 'tus-resumable': '1.0.0' };
const STAGED = { method: { name: 'glance-direct' } };

const IMAGE_ROUTES: Readonly<Record<string, Probe>> = {
  'GET /v2/images/:id': { rule: SEE },
  'PATCH /v2/images/:id': {
    rule: CHANGE,
    headers: PATCH,
    body: [{ op: 'replace', path: '/name', value: 'n' }],
  },
  'DELETE /v2/images/:id': { rule: CHANGE },
  'PUT /v2/images/:id/tags/:tag': { rule: CHANGE },
  'DELETE /v2/images/:id/tags/:tag': { rule: CHANGE },
  'POST /v2/images/:id/actions/deactivate': { rule: CHANGE },
  'POST /v2/images/:id/actions/reactivate': { rule: CHANGE },
  'PUT /v2/images/:id/file': { rule: CHANGE, headers: OCTETS },
  'PUT /v2/images/:id/stage': { rule: CHANGE, headers: OCTETS },
  'GET /v2/images/:id/file': { rule: BYTES },
  'POST /v2/images/:id/import': { rule: CHANGE, body: STAGED },
  'POST /stowage/v1/images/:id/plan': { rule: CHANGE, body: STAGED },
  'GET /v2/images/:id/tasks': { rule: SEE },
  'GET /v2/images/:id/members': { rule: MEMBERS },
  'POST /v2/images/:id/members': { rule: CHANGE, body: { member: 'new' } },
  'GET /v2/images/:id/members/:member': { rule: OTHER_MEMBER },
  'PUT /v2/images/:id/members/:member': { rule: ANSWER_FOR_OTHER, body: { status: 'accepted' } },
  'DELETE /v2/images/:id/members/:member': { rule: CHANGE },
  'POST /v2/images/:id/locations': { rule: CHANGE, body: { url: 'http://images.example/i' } },
  'GET /v2/images/:id/locations': { rule: ADMIN },
  'POST /v2/images/:id/volumes': { rule: VOLUMES, body: {} },
  'GET /v2/images/:id/volumes': { rule: VOLUMES },
  'GET /v2/images/:id/volumes/:volume': { rule: VOLUMES },
  'DELETE /v2/stores/:store/:id': { rule: ADMIN },
  'OPTIONS /stowage/v1/images/:id/uploads': { rule: () => 'let' },
  'OPTIONS /stowage/v1/images/:id/uploads/:upload': { rule: () => 'let' },
  'POST /stowage/v1/images/:id/uploads': { rule: CHANGE, headers: TUS },
  // It has no body that tells an image from an upload that is not there.
  'HEAD /stowage/v1/images/:id/uploads/:upload': {
    rule: (cell) => (CHANGE(cell) === 'denied' ? 'denied' : 'hidden'),
    headers: TUS,
  },
  'PATCH /stowage/v1/images/:id/uploads/:upload': { rule: CHANGE, headers: TUS },
  'DELETE /stowage/v1/images/:id/uploads/:upload': { rule: CHANGE, headers: TUS },
  'POST /stowage/v1/images/:id/uploads/:upload': {
    rule: CHANGE,
    headers: { ...TUS, 'x-http-method-override': 'PATCH' },
  },
  'GET /stowage/v1/imports/:id': { rule: IMPORT, onImport: true },
  'GET /stowage/v1/imports/:id/events': { rule: IMPORT, onImport: true },
  'POST /stowage/v1/imports/:id/cancel': { rule: CHANGE_IMPORT, onImport: true },
  'POST /stowage/v1/imports/:id/retry': { rule: CHANGE_IMPORT, onImport: true },
  'GET /v2/tasks/:id': {
    rule: ({ role }) => (role === 'admin' ? 'let' : 'denied'),
    onImport: true,
  },
};

/** Routes that are about no image: which roles they let. */
const OTHER_ROUTES: Readonly<Record<string, (role: Role) => boolean>> = {
  'GET /v2/images': reads,
  'POST /v2/images': writes,
  'GET /v2/tasks': (role) => role === 'admin',
  'POST /v2/tasks': (role) => role === 'admin',
  'GET /stowage/v1/imports': reads,
  'GET /v2/info/import': () => true,
  'GET /v2/info/usage': () => true,
  'GET /v2/info/stores': () => true,
  'GET /v2/info/stores/detail': (role) => role === 'admin' || role === 'service',
  'GET /v2/schemas/:name': () => true,
};

/** Routes that need no identity. */
const OPEN_ROUTES = [
  'GET /',
  'GET /versions',
  'GET /healthcheck',
  'GET /metrics',
  'GET /stowage/v1/openapi.json',
];

let rig: HttpRig;
beforeAll(async () => {
  // Whoever is let to send bytes has sent them: there are none here.
  const sent = (): Promise<void> => Promise.resolve();
  rig = await httpRig({
    config: trustingHeaders,
    stores: ['fast', 'slow'],
    parts: { uploads: { upload: sent, stage: sent } },
  });
});
afterAll(() => rig[Symbol.asyncDispose]());

/** An image of its own for each request, since requests change it. */
async function image({ relation, state }: Cell, withImport: boolean): Promise<Made> {
  const [visibility, answer] = relation.split(', ');
  const made = anImage({
    id: crypto.randomUUID(),
    owner: relation === 'own' ? 'caller' : 'giver',
    visibility:
      relation === 'own' || relation === 'shared with others'
        ? 'shared'
        : (visibility as 'shared' | 'public' | 'community' | 'private'),
    status: state,
    tags: ['tag'],
  });
  const record = anImport(made.id, { state: 'failed', finishedAt: new Date() });
  await rig.database.write(async (tx) => {
    await tx.insertImage(made);
    const members: (readonly [string, MemberStatus])[] = [['friend', 'pending']];
    if (answer !== undefined) members.push(['caller', answer as MemberStatus]);
    for (const [projectId, status] of members) {
      const at = { createdAt: made.createdAt, updatedAt: made.updatedAt };
      await tx.insertMember({ imageId: made.id, projectId, status, ...at });
    }
    if (withImport) await tx.insertImport(record, [aTask(record.id)]);
  });
  return { imageId: made.id, importId: record.id };
}

interface Made {
  readonly imageId: string;
  readonly importId: string;
}

async function ask(route: string, probe: Probe, cell: Cell): Promise<Verdict> {
  const { imageId, importId } = await image(cell, probe.onImport === true);
  const [method = '', pattern = ''] = route.split(' ');
  const path = pattern
    .replace(':id', probe.onImport === true ? importId : imageId)
    .replace(':tag', 'tag')
    .replace(':member', 'friend')
    .replace(':store', 'fast')
    .replace(':upload', crypto.randomUUID())
    .replace(':volume', crypto.randomUUID());
  const json = { 'content-type': 'application/json' };
  return verdict(
    await rig.api.call(method, path, {
      headers: {
        ...(probe.body === undefined ? {} : json),
        ...memberOf('caller', cell.role),
        ...probe.headers,
      },
      ...(probe.body === undefined ? {} : { body: JSON.stringify(probe.body) }),
    }),
  );
}

const HIDDEN = ['IMAGE_NOT_FOUND', 'IMPORT_NOT_FOUND', 'MEMBER_NOT_FOUND'];
const DENIED = ['POLICY_DENIED', 'IMAGE_DEACTIVATED'];

function verdict({ status, body, text }: Answer): Verdict {
  if (status >= 500 && status !== 503) throw new Error(text);
  if (text === '' && status === 404) return 'hidden';
  if (text === '' && status === 403) return 'denied';
  const { code = '' } = (body as { error?: { code?: string } } | undefined)?.error ?? {};
  if (HIDDEN.includes(code)) return 'hidden';
  return DENIED.includes(code) ? 'denied' : 'let';
}

const CELLS: readonly Cell[] = ROLES.flatMap((role) =>
  RELATIONS.flatMap((relation) => STATES.map((state) => ({ role, relation, state }))),
);

describe('who may do what to an image', () => {
  it.each(Object.entries(IMAGE_ROUTES))('%s', async (route, probe) => {
    const wrong: string[] = [];
    // What is done to a finished import does not look at the state of the image.
    const cells = probe.onImport === true ? CELLS.filter(({ state }) => state === 'active') : CELLS;
    for (const cell of cells) {
      const found = await ask(route, probe, cell);
      const expected = probe.rule(cell);
      const where = `${cell.role === '' ? 'no role' : cell.role}, ${cell.relation}, ${cell.state}`;
      if (found !== expected) wrong.push(`${where}: ${found}, expected ${expected}`);
    }
    expect(wrong).toEqual([]);
  });
});

describe('who may do what else', () => {
  it.each(Object.entries(OTHER_ROUTES))('%s', async (route, lets) => {
    const [method = '', pattern = ''] = route.split(' ');
    for (const role of ROLES) {
      const answer = await rig.api.call(method, pattern.replace(':name', 'image'), {
        headers: memberOf('caller', role),
        ...(method === 'POST' ? { json: {} } : {}),
      });
      expect([role, verdict(answer)]).toEqual([role, lets(role) ? 'let' : 'denied']);
    }
  });

  it('needs an identity, but for what says nothing of images', async () => {
    for (const route of rig.routes) {
      const [method = '', pattern = ''] = route.split(' ');
      const path = pattern.replace(/:\w+/g, crypto.randomUUID());
      const { status } = await rig.api.call(method, path);
      expect([route, status === 401]).toEqual([route, !OPEN_ROUTES.includes(route)]);
    }
  });
});

describe('the matrix', () => {
  it('has every route that there is', () => {
    const known = [...Object.keys(IMAGE_ROUTES), ...Object.keys(OTHER_ROUTES), ...OPEN_ROUTES];
    expect([...rig.routes].sort()).toEqual(known.sort());
  });

  it('is described by the document of the API, route by route', () => {
    const nameless = (route: string): string => route.replaceAll(/:\w+|\{\w+\}/g, '*');
    const described = OPERATIONS.map(({ method, path }) => `${method.toUpperCase()} ${path}`);
    expect(described.map(nameless).toSorted()).toEqual(rig.routes.map(nameless).toSorted());
  });
});
