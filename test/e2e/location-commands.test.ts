import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { expect, it } from 'vitest';
import { serveFiles } from '../support/file-server.js';
import { GlanceCommand } from '../support/glance.js';
import { digestOf, qcow2File } from '../support/images.js';
import { startServer } from '../support/server.js';
import { tempDir } from '../support/temp-dir.js';

const CONFIG = `
log: { level: warn }
images: { show_locations: true, change_locations: true }
stores:
  - { id: disk, driver: filesystem, path: store/disk, default: true }
  - { id: web, driver: http, allow: [127.0.0.0/8] }
`;

it('lets the command glance register, replace and try to delete a location', async () => {
  await using directory = await tempDir();
  const disk = await qcow2File(path.join(directory.path, 'disk.qcow2'), 8 * 1024 ** 2, 1024 ** 2);
  const config = path.join(directory.path, 'stowage.yaml');
  await writeFile(config, CONFIG);
  await using web = await serveFiles(directory.path);
  const server = await startServer({ dataDir: path.join(directory.path, 'data'), config });
  try {
    const glance = new GlanceCommand(server.url, path.join(directory.path, 'home'));
    const url = `${web.url}/disk.qcow2`;
    const format = ['--disk-format', 'qcow2', '--container-format', 'bare'];
    const { id = '' } = await glance.properties('image-create', '--name', 'there', ...format);
    const sha512 = await digestOf(disk);
    const digests = [
      ...['--checksum', await digestOf(disk, 'md5')],
      ...['--hash-algo', 'sha512', '--hash-value', sha512],
    ];
    await glance.ok('location-add', id, '--url', url, ...digests);
    const image = await glance.properties('image-show', id);
    expect(image).toMatchObject({ status: 'active', os_hash_value: sha512, stores: 'web' });
    expect(image['locations']).toContain(url);

    await glance.ok('location-update', id, '--url', url, '--metadata', '{}');
    const { code, err } = await glance.run('location-delete', id, '--url', url);
    expect([code, err]).toEqual([1, expect.stringContaining('Delete the image')]);
    expect(await glance.properties('image-show', id)).toEqual(image);
  } finally {
    await server.stop();
  }
});
