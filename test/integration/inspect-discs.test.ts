import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { inspectFile } from '../../core/format/inspector.js';
import { tempDir } from '../support/temp-dir.js';

describe('inspectFile', () => {
  it.each([
    [[], 'iso9660', {}],
    [['-udf'], 'iso9660+udf', { udf_volume_id: 'STOWAGE', udf_revision: '1.02' }],
  ] as const)('describes a disc that genisoimage %j makes', async (options, subformat, told) => {
    await using dir = await tempDir();
    const folder = path.join(dir.path, 'disc');
    mkdirSync(folder);
    writeFileSync(path.join(folder, 'a.txt'), 'stowage');
    const disc = path.join(dir.path, 'disc.iso');
    const common = ['-quiet', '-J', '-R', '-V', 'STOWAGE', '-o', disc];
    execFileSync('genisoimage', [...common, ...options, folder]);
    expect(await inspectFile(disc)).toMatchObject({
      format: 'iso',
      subformat,
      safe: true,
      findings: [],
      metadata: { volume_id: 'STOWAGE', joliet: true, rock_ridge: true, ...told },
    });
  });
});
