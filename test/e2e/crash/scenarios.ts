import { setTimeout as delay } from 'node:timers/promises';
import type { ApiClient } from '../../support/api-client.js';

/** What every scenario works with. */
export interface Material {
  /** A qcow2 file: refused conversion by nothing, so it runs through every task. */
  readonly qcow2: string;
  /** A raw file of random bytes. */
  readonly raw: string;
  /** Where the same files can be downloaded, ending with a slash. */
  readonly web: string;
}

/**
 * One way in, written so that it can be started again from wherever a crash has left it. `drive`
 * rejects when the server goes away under it.
 */
export interface Scenario {
  readonly name: string;
  /** Prepares what has to be there before the crash, for example an active image. */
  prepare?(client: ApiClient, material: Material): Promise<string>;
  /** Does the whole; adds ids to `acknowledged` as soon as their bytes are. */
  drive(
    client: ApiClient,
    material: Material,
    imageId: string,
    acknowledged: Set<string>,
  ): Promise<void>;
  /** The image's `disk_format` when it is created. */
  readonly diskFormat: string;
}

const NO_CONVERT = { no_convert: 'yes' };

/** `glance-direct`, `upload`, `web-download`, `copy-image`, with and without `convert`. */
export const SCENARIOS: readonly Scenario[] = [
  { name: 'glance-direct', diskFormat: 'raw', drive: glanceDirect('raw') },
  { name: 'glance-direct with convert', diskFormat: 'qcow2', drive: glanceDirect('qcow2') },
  {
    name: 'upload',
    diskFormat: 'raw',
    drive: async (client, material, id, acknowledged) => {
      if ((await client.image(id)).status !== 'queued') return;
      const answer = await client.send(id, 'file', material.raw);
      if (answer.status === 204) acknowledged.add(id);
    },
  },
  { name: 'web-download', diskFormat: 'raw', drive: webDownload('raw') },
  { name: 'web-download with convert', diskFormat: 'qcow2', drive: webDownload('qcow2') },
  {
    name: 'copy-image',
    diskFormat: 'qcow2',
    prepare: async (client, material) => {
      const { id } = await client.createImage({ disk_format: 'qcow2', ...NO_CONVERT });
      await client.send(id, 'file', material.qcow2);
      return id;
    },
    drive: async (client, _, id, acknowledged) => {
      acknowledged.add(id);
      await client.import(id, { method: { name: 'copy-image' }, stores: ['two'] });
      await client.finished(id);
    },
  },
  {
    name: 'delete',
    diskFormat: 'raw',
    prepare: async (client, material) => {
      const { id } = await client.createImage();
      await client.send(id, 'file', material.raw);
      return id;
    },
    drive: async (client, _, id) => {
      await client.call('DELETE', `/v2/images/${id}`);
    },
  },
  {
    name: 'refused by a rule',
    diskFormat: 'vhdx',
    drive: async (client, material, id) => {
      await client.send(id, 'stage', material.raw);
      await client.import(id, { method: { name: 'glance-direct' } });
      await client.finished(id);
    },
  },
  {
    name: 'cancelled',
    diskFormat: 'qcow2',
    drive: async (client, material, id, acknowledged) => {
      await stage(client, id, material.qcow2, acknowledged);
      await client.import(id, { method: { name: 'glance-direct' } });
      await delay(5);
      const [newest] = await client.imports(id);
      await client.call('POST', `/stowage/v1/imports/${newest?.id ?? ''}/cancel`);
      await client.finished(id);
    },
  },
];

function glanceDirect(format: 'raw' | 'qcow2'): Scenario['drive'] {
  return async (client, material, id, acknowledged) => {
    await stage(client, id, material[format], acknowledged);
    await client.import(id, { method: { name: 'glance-direct' } });
    await client.finished(id);
  };
}

function webDownload(format: 'raw' | 'qcow2'): Scenario['drive'] {
  return async (client, material, id) => {
    if ((await client.image(id)).status === 'queued') {
      const uri = `${material.web}${format}`;
      await client.import(id, { method: { name: 'web-download', uri } });
    }
    await client.finished(id);
  };
}

async function stage(
  client: ApiClient,
  id: string,
  file: string,
  acknowledged: Set<string>,
): Promise<void> {
  if ((await client.image(id)).status !== 'queued') return;
  const answer = await client.send(id, 'stage', file);
  if (answer.status === 204) acknowledged.add(id);
}
