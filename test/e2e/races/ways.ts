import type { Answer, ApiClient } from '../../support/api-client.js';

/** What every round works with. */
export interface Material {
  readonly raw: string;
  readonly qcow2: string;
  /** Where the same files can be downloaded, ending with a slash. */
  readonly web: string;
}

/** One way into an image. */
export interface Way {
  readonly name: string;
  readonly format: 'raw' | 'qcow2';
  /** What the image goes back to when its import is cancelled. */
  readonly back: 'queued' | 'uploading';
  /** Brings the image to where {@link begin} can begin. */
  prepare(api: ApiClient, id: string, material: Material): Promise<void>;
  /**
   * Begins the import. Resolves when it is under way, with the promise of the answer to the upload
   * where the client waits for the end of it.
   */
  begin(
    api: ApiClient,
    id: string,
    material: Material,
  ): Promise<{ readonly upload: Promise<Answer> | undefined }>;
  /** The same import once more. */
  again(api: ApiClient, id: string, material: Material): Promise<Answer>;
}

/** `glance-direct`, `web-download` and `upload`, the former two with `convert` as well. */
export const WAYS: readonly Way[] = [
  glanceDirect('raw'),
  glanceDirect('qcow2'),
  webDownload('raw'),
  webDownload('qcow2'),
  {
    name: 'upload',
    format: 'raw',
    back: 'queued',
    prepare: () => Promise.resolve(),
    begin: (api, id, { raw }) => Promise.resolve({ upload: api.send(id, 'file', raw) }),
    again: (api, id) => api.import(id, { method: { name: 'glance-direct' } }),
  },
];

function glanceDirect(format: 'raw' | 'qcow2'): Way {
  const again: Way['again'] = (api, id) => api.import(id, { method: { name: 'glance-direct' } });
  return {
    name: `glance-direct of ${format}`,
    format,
    back: 'uploading',
    async prepare(api, id, material) {
      expectStatus(await api.send(id, 'stage', material[format]), 204);
    },
    begin: accepted(again),
    again,
  };
}

function webDownload(format: 'raw' | 'qcow2'): Way {
  const again: Way['again'] = (api, id, { web }) =>
    api.import(id, { method: { name: 'web-download', uri: `${web}${format}` } });
  return {
    name: `web-download of ${format}`,
    format,
    back: 'queued',
    prepare: () => Promise.resolve(),
    begin: accepted(again),
    again,
  };
}

function accepted(again: Way['again']): Way['begin'] {
  return async (api, id, material) => {
    expectStatus(await again(api, id, material), 202);
    return { upload: undefined };
  };
}

function expectStatus({ status, text }: Answer, expected: number): void {
  if (status !== expected) throw new Error(`${status} instead of ${expected}: ${text}`);
}
