import { readdir, stat } from 'node:fs/promises';
import module from 'node:module';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { stowage } from '../support/command.js';
import { tempDir } from '../support/temp-dir.js';

const isKept = 'enableCompileCache' in module;

async function filesIn(directory: string): Promise<number> {
  const entries = await readdir(directory, { recursive: true }).catch(() => []);
  return entries.length;
}

describe('compiled code', () => {
  it('is kept in the directory of the user, where Node can keep it', async () => {
    await using home = await tempDir();
    const env = { HOME: home.path, XDG_CACHE_HOME: '' };
    expect(await stowage(['--version'], { env })).toMatchObject({ code: 0, err: '' });
    const kept = path.join(home.path, '.cache/stowage');
    expect((await filesIn(kept)) > 0).toBe(isKept);
    if (isKept) expect((await stat(kept)).mode & 0o022).toBe(0);
    expect(await stowage(['--version'], { env })).toMatchObject({ code: 0, err: '' });
  });

  it('goes where XDG_CACHE_HOME says, and is not kept where nobody says a directory', async () => {
    await using cache = await tempDir();
    const env = { HOME: '', XDG_CACHE_HOME: cache.path };
    expect((await stowage(['--version'], { env })).code).toBe(0);
    expect((await filesIn(cache.path)) > 0).toBe(isKept);
    const nowhere = { HOME: '', XDG_CACHE_HOME: '' };
    expect(await stowage(['--version'], { env: nowhere })).toMatchObject({ code: 0, err: '' });
  });

  it('is done without where its directory cannot be made', async () => {
    const env = { XDG_CACHE_HOME: path.join(import.meta.filename, 'below') };
    expect(await stowage(['--version'], { env })).toMatchObject({ code: 0, err: '' });
  });
});
