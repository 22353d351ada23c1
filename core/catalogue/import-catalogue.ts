import type { Caller } from '../auth/caller.js';
import type { Policy } from '../auth/policy.js';
import type { RuleName } from '../auth/rules/table.js';
import { NotFoundError } from '../base/errors.js';
import type { ImportRecord } from '../engine/import.js';
import type { ImportQuery, Reader } from '../engine/ports.js';
import type { ImportDetail } from '../engine/service.js';
import { authorizedImage } from './access.js';

/** Imports as callers may see them: those of the images of their project, administrators all. */
export interface ImportCatalogue {
  /** @throws {NotFoundError} `IMPORT_NOT_FOUND`, also for an import that the caller may not see */
  show(caller: Caller, id: string): Promise<ImportDetail>;
  /**
   * An import that the caller may cancel or retry: who may start one of its image.
   * @throws as {@link show}; {NotFoundError} `IMAGE_NOT_FOUND`; {ForbiddenError} `POLICY_DENIED`
   */
  showForChange(caller: Caller, id: string): Promise<ImportRecord>;
  /** @throws {ForbiddenError} `POLICY_DENIED` */
  list(caller: Caller, query: Omit<ImportQuery, 'projectId'>): Promise<readonly ImportRecord[]>;
  /**
   * The imports of an image that the caller sees, the newest first; none where they are not theirs
   * to see.
   * @throws {NotFoundError} `IMAGE_NOT_FOUND`
   */
  ofImage(caller: Caller, imageId: string): Promise<readonly ImportRecord[]>;
}

/** The rule for starting an import, or for what is done to one. */
export function ruleOfMethod(method: string): RuleName {
  return method === 'copy-image' ? 'copy_image' : 'modify_image';
}

export function createImportCatalogue(parts: {
  readonly read: Reader;
  readonly policy: Policy;
}): ImportCatalogue {
  const { read, policy } = parts;

  const visible = async (caller: Caller, id: string): Promise<ImportRecord> => {
    const record = await read.import(id);
    if (record !== undefined) {
      const image = await read.imageEvenDeleted(record.imageId);
      // Of an image whose record is gone, an import is that of the project that has started it.
      const owner = image === undefined ? record.caller.projectId : image.owner;
      if (policy.mayOnImport(caller, 'get_import', owner)) return record;
    }
    throw new NotFoundError({
      code: 'IMPORT_NOT_FOUND',
      message: `No import "${id}" was found`,
      hint: 'Finished imports are kept for a limited time; list those that there are',
    });
  };

  return {
    async show(caller, id) {
      const record = await visible(caller, id);
      return { import: record, tasks: await read.tasks(id) };
    },

    async showForChange(caller, id) {
      const record = await visible(caller, id);
      const rule = ruleOfMethod(record.method);
      if ((await read.image(record.imageId)) === undefined) policy.require(caller, rule);
      else await authorizedImage(policy, read, { caller, rule, id: record.imageId });
      return record;
    },

    async list(caller, query) {
      policy.require(caller, 'get_imports');
      const { projectId, isAdmin } = caller;
      if (isAdmin) return read.imports(query);
      if (!policy.mayOnImport(caller, 'get_import', projectId)) return [];
      return projectId === null ? [] : read.imports({ ...query, projectId });
    },

    async ofImage(caller, imageId) {
      const image = await authorizedImage(policy, read, { caller, rule: 'get_image', id: imageId });
      if (!policy.mayOnImport(caller, 'get_import', image.owner)) return [];
      return read.imports({ imageId, order: 'asc' });
    },
  };
}
