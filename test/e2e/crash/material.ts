import path from 'node:path';
import { serveFiles } from '../../support/file-server.js';
import { qcow2File, randomFile } from '../../support/images.js';
import { tempDir } from '../../support/temp-dir.js';
import { prepareTemplate } from './round.js';
import type { Template } from './round.js';
import { SCENARIOS } from './scenarios.js';
import type { Material } from './scenarios.js';

const MIB = 1024 * 1024;

/** Files, a web server for them and a prepared data dir, for many rounds. */
export interface Workshop extends AsyncDisposable {
  readonly path: string;
  readonly material: Material;
  readonly template: Template;
}

/** @param capacity of staging, as the configuration says it */
export async function openWorkshop(capacity = 'auto'): Promise<Workshop> {
  const directory = await tempDir();
  const raw = await randomFile(path.join(directory.path, 'raw'), 4 * MIB);
  const qcow2 = await qcow2File(path.join(directory.path, 'qcow2'), 16 * MIB, 4 * MIB);
  const web = await serveFiles(directory.path);
  const material: Material = { raw, qcow2, web: `${web.url}/` };
  const template = await prepareTemplate(
    path.join(directory.path, 'template'),
    SCENARIOS,
    material,
    capacity,
  );
  return {
    path: directory.path,
    material,
    template,
    async [Symbol.asyncDispose]() {
      await web[Symbol.asyncDispose]();
      await directory[Symbol.asyncDispose]();
    },
  };
}
