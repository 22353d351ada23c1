import { PermanentError } from '../../base/errors.js';
import { isTakenName } from '../../image/property-names.js';
import { claimCovers } from '../../plugin/claims.js';
import type { PluginManifest } from '../../plugin/contract/manifest.js';
import type { TaskResult } from '../../plugin/contract/task.js';
import type { Plugins } from '../../plugin/plugins.js';

/**
 * Holds a task's result against what its plugin may write.
 *
 * @throws {PermanentError} `PROPERTY_RESERVED` · `PROPERTY_CLAIMED` · `VIRTUAL_SIZE_INVALID` ·
 *   `SIZE_INVALID`
 */
export function checkResult(plugins: Plugins, manifest: PluginManifest, result: TaskResult): void {
  const others = plugins.pipelines
    .flatMap(({ tasks }) => tasks)
    .map((entry) => entry.manifest)
    .filter(({ name }) => name !== manifest.name);
  for (const property of Object.keys(result.draft?.properties ?? {})) {
    if (isTakenName(property)) {
      throw forbidden('PROPERTY_RESERVED', manifest.name, property, 'the Image API');
    }
    const owner = others.find(({ properties = [] }) =>
      properties.some((claim) => claimCovers(claim, property)),
    );
    if (owner !== undefined) {
      throw forbidden('PROPERTY_CLAIMED', manifest.name, property, `the plugin "${owner.name}"`);
    }
  }
  assertSize('VIRTUAL_SIZE_INVALID', manifest.name, 'virtual size', result.virtualSize);
  assertSize('SIZE_INVALID', manifest.name, 'size', result.size);
}

function assertSize(code: string, plugin: string, what: string, size: number | undefined): void {
  if (size === undefined || (Number.isSafeInteger(size) && size >= 0)) return;
  throw new PermanentError({
    code,
    message: `The plugin "${plugin}" answers the ${what} ${size}`,
    hint: 'Report this to the author of the plugin',
  });
}

function forbidden(code: string, plugin: string, property: string, owner: string): PermanentError {
  return new PermanentError({
    code,
    message: `The plugin "${plugin}" may not write the property "${property}": it belongs to ${owner}`,
    hint: 'Report this to the author of the plugin',
  });
}
