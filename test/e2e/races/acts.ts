import type { Answer, ApiClient, ImportDocument } from '../../support/api-client.js';
import type { Material, Way } from './ways.js';

/** A round at the moment when the act begins. */
export interface Scene {
  readonly api: ApiClient;
  readonly id: string;
  readonly way: Way;
  readonly material: Material;
  readonly upload: Promise<Answer> | undefined;
}

/** What a client does beside a running import, and what may come of it (architecture: races). */
export interface Act {
  readonly name: string;
  /** Answers whatever is not as it should be. */
  run(scene: Scene): Promise<readonly string[]>;
}

const PATCH = { 'content-type': 'application/openstack-images-v2.1-json-patch' };

export const ACTS: readonly Act[] = [
  { name: 'DELETE', run: deleted },
  { name: 'PATCH', run: patched },
  { name: 'cancel', run: cancelled },
  { name: 'second import', run: importedAgain },
  { name: 'second stage', run: stagedAgain },
  { name: 'PATCH, cancel and DELETE together', run: allAtOnce },
];

async function deleted(scene: Scene): Promise<readonly string[]> {
  const { api, id, upload } = scene;
  const answer = await api.call('DELETE', `/v2/images/${id}`);
  return [
    ...status('DELETE', answer, [204]),
    ...(await isGone(api, id)),
    // The image may have gone before, while or after its bytes came.
    ...status('upload', await upload, [204, 404, 409, 410]),
  ];
}

async function isGone(api: ApiClient, id: string): Promise<readonly string[]> {
  const shown = await api.call('GET', `/v2/images/${id}`);
  const data = await api.call('GET', `/v2/images/${id}/file`);
  return [
    ...status('GET of the deleted image', shown, [404]),
    ...status('GET of its data', data, [404]),
  ];
}

async function patched(scene: Scene): Promise<readonly string[]> {
  const { api, id } = scene;
  const answer = await patch(scene);
  const faults = [...status('PATCH', answer, [200]), ...(await succeeds(scene))];
  const image = await api.image(id);
  if (image['name'] !== 'mine' || image['stowage_source_size'] !== 'mine') {
    faults.push(`the user's values are lost: ${JSON.stringify(image)}`);
  }
  return faults;
}

/** Among others a property that `convert` proposes in its draft. */
function patch({ api, id }: Scene): Promise<Answer> {
  return api.call('PATCH', `/v2/images/${id}`, {
    headers: PATCH,
    body: JSON.stringify([
      { op: 'replace', path: '/name', value: 'mine' },
      { op: 'add', path: '/stowage_source_size', value: 'mine' },
    ]),
  });
}

async function cancelled(scene: Scene): Promise<readonly string[]> {
  const { api, id, way, material, upload } = scene;
  const record = await theImport(scene);
  if (record === undefined) return ['there was no import to cancel'];
  const answer = await api.call('POST', `/stowage/v1/imports/${record.id}/cancel`);
  const faults = [...status('cancel', answer, [202, 409])];
  const { state } = await api.finished(id);
  const expected = answer.status === 202 ? 'cancelled' : 'succeeded';
  if (state !== expected)
    faults.push(`cancel was answered ${answer.status}, the end is "${state}"`);
  faults.push(...status('upload', await upload, [answer.status === 202 ? 409 : 204]));
  const image = await api.image(id);
  const rest = state === 'cancelled' ? way.back : 'active';
  if (image.status !== rest) faults.push(`the image is "${image.status}", not "${rest}"`);
  if (state !== 'cancelled') return faults;
  // Nothing has been lost: the same again comes to its end.
  const next = await way.begin(api, id, material);
  return [...faults, ...(await succeeds({ ...scene, upload: next.upload }))];
}

/** Of an upload it may not be there yet. */
async function theImport({ api, id, upload }: Scene): Promise<ImportDocument | undefined> {
  let over = upload === undefined;
  void upload?.then(() => (over = true));
  for (;;) {
    const last = over;
    const [newest] = await api.imports(id);
    if (newest !== undefined || last) return newest;
  }
}

async function importedAgain(scene: Scene): Promise<readonly string[]> {
  const answer = await scene.way.again(scene.api, scene.id, scene.material);
  return [...status('second import', answer, [409]), ...(await succeeds(scene))];
}

async function stagedAgain(scene: Scene): Promise<readonly string[]> {
  const { api, id, material, way, upload } = scene;
  const answer = await api.send(id, 'stage', material[way.format]);
  if (answer.status !== 204) {
    return [...status('second stage', answer, [409]), ...(await succeeds(scene))];
  }
  // It was faster than the upload.
  const faults = [...status('slower upload', await upload, [409])];
  if (upload === undefined) faults.push('a second stage was taken during an import');
  const image = await api.image(id);
  if (image.status !== 'uploading') faults.push(`the image is "${image.status}"`);
  return faults;
}

async function allAtOnce(scene: Scene): Promise<readonly string[]> {
  const { api, id, upload } = scene;
  const [newest] = await api.imports(id);
  const cancel =
    newest === undefined
      ? Promise.resolve(undefined)
      : api.call('POST', `/stowage/v1/imports/${newest.id}/cancel`);
  const [patching, cancelling, deleting] = await Promise.all([
    patch(scene),
    cancel,
    api.call('DELETE', `/v2/images/${id}`),
  ]);
  return [
    ...status('PATCH', patching, [200, 404]),
    ...status('cancel', cancelling, [202, 404, 409]),
    ...status('DELETE', deleting, [204]),
    ...(await isGone(api, id)),
    ...status('upload', await upload, [204, 404, 409, 410]),
  ];
}

/** The import of the scene goes to its end as if nothing had been. */
async function succeeds({ api, id, upload }: Scene): Promise<readonly string[]> {
  const faults = [...status('upload', await upload, [204])];
  const { state, failure } = await api.finished(id);
  if (state !== 'succeeded') faults.push(`the import is "${state}": ${JSON.stringify(failure)}`);
  const image = await api.image(id);
  if (image.status !== 'active') faults.push(`the image is "${image.status}"`);
  return faults;
}

function status(
  what: string,
  answer: Answer | undefined,
  allowed: readonly number[],
): readonly string[] {
  if (answer === undefined || allowed.includes(answer.status)) return [];
  return [`${what} was answered ${answer.status}: ${answer.text}`];
}
