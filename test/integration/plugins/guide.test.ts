import { mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { describe, expect, it } from 'vitest';
import type { TaskResult } from '../../../core/api.js';
import { loadPlugins } from '../../../core/plugin/host.js';
import { configFrom, detachedServices } from '../../support/plugin-site.js';
import { tempDir } from '../../support/temp-dir.js';

const GUIDE = path.resolve(import.meta.dirname, '../../../docs/plugin-guide.md');

/** The fenced blocks of a language in the guide, in order. */
async function blocks(language: string): Promise<readonly string[]> {
  const text = await readFile(GUIDE, 'utf8');
  return [...text.matchAll(/^```(\w+)\n([\s\S]*?)^```$/gm)]
    .filter(([, found]) => found === language)
    .map(([, , code]) => code ?? '');
}

describe('the walk-through of the plugin guide', () => {
  it('works as it is written', async () => {
    await using dir = await tempDir();
    const [manifest = ''] = await blocks('json');
    const [index = '', test = ''] = await blocks('js');
    const [yaml = ''] = await blocks('yaml');
    const { name } = JSON.parse(manifest) as { readonly name: string };
    const folder = path.join(dir.path, 'node_modules', name);
    await mkdir(folder, { recursive: true });
    await writeFile(path.join(folder, 'package.json'), manifest);
    await writeFile(path.join(folder, 'index.js'), index);
    const config = await configFrom(dir.path, yaml);
    const { plugins } = await loadPlugins({ config, services: () => detachedServices });
    expect(plugins.pipelines[0]?.tasks[1]).toMatchObject({
      manifest: { name },
      frozenConfig: { refused: ['scratch'] },
    });

    // Outside node_modules, where the test runner resolves what the author's would.
    const own = path.join(dir.path, 'own');
    await mkdir(own);
    await writeFile(path.join(own, 'index.js'), index);
    await writeFile(path.join(own, 'test.js'), test);
    const { testLabel } = (await import(pathToFileURL(path.join(own, 'test.js')).href)) as {
      readonly testLabel: (label: string) => Promise<TaskResult>;
    };
    expect(await testLabel('root')).toEqual({
      draft: { properties: { acme_label: 'root' } },
      output: { label: 'root' },
    });
    await expect(testLabel('scratch')).rejects.toMatchObject({
      class: 'rejected',
      code: 'ACME_LABEL_REFUSED',
    });
  });
});

describe('the reference of the built-in plugins', () => {
  it('names every config key and no other', async () => {
    const text = await readFile(path.resolve(GUIDE, '../plugins.md'), 'utf8');
    const sections = new Map(
      text.split(/^## /m).map((section) => [/^\S*/.exec(section)?.[0] ?? '', section]),
    );
    for (const [plugin, keys] of Object.entries(await configKeys())) {
      const table = sections.get(plugin)?.split('| config')[1]?.split('\n\n')[0] ?? '';
      const documented = [...table.matchAll(/^\| `([a-z0-9_.]+)`/gm)].map(([, key]) => key);
      expect(documented.sort(), plugin).toEqual([...keys].sort());
    }
  });
});

async function configKeys(): Promise<Readonly<Record<string, readonly string[]>>> {
  const { ConvertConfig } = await import('../../../plugins/convert/convert-config.js');
  const { DecompressConfig } = await import('../../../plugins/decompress/decompress-config.js');
  const { IntrospectConfig } = await import('../../../plugins/introspect/introspect-config.js');
  const { VerifyConfig } = await import('../../../plugins/verify/verify-config.js');
  const { WebDownloadConfig } =
    await import('../../../plugins/web-download/web-download-config.js');
  return {
    convert: leaves(ConvertConfig.parse({})),
    decompress: leaves(DecompressConfig.parse({})),
    'inject-metadata': ['rules'],
    introspect: leaves(IntrospectConfig.parse({})),
    'web-download': Object.keys(WebDownloadConfig.shape),
    verify: leaves(
      VerifyConfig.parse({ signatures: { certificates: 'c', trusted: ['t'] } }),
    ).concat('digests'),
    filesystem: ['path'],
  };
}

function leaves(value: object, base = ''): readonly string[] {
  return Object.entries(value).flatMap(([key, below]: [string, unknown]) =>
    typeof below === 'object' && below !== null && !Array.isArray(below)
      ? leaves(below, `${base}${key}.`)
      : [`${base}${key}`],
  );
}
