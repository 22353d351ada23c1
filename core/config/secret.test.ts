import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { z } from 'zod';
import { tempDir } from '../../test/support/temp-dir.js';
import { secret, type SecretSetting } from './secret.js';

const schema = z.strictObject({ password: secret() });

function reveal(password: SecretSetting): string {
  return schema.parse({ password }).password.reveal();
}

function problem(password: unknown): string {
  const parsed = schema.safeParse({ password });
  return parsed.success ? '' : parsed.error.issues.map(({ message }) => message).join('; ');
}

afterEach(() => {
  vi.unstubAllEnvs();
});

describe('a secret of the config', () => {
  it('stands there, or is kept in the environment or in a file', async () => {
    await using directory = await tempDir();
    const file = path.join(directory.path, 'secret');
    await writeFile(file, 'hunter2\n');
    vi.stubEnv('MIRROR_PASSWORD', 'hunter3');
    expect(reveal('hunter1')).toBe('hunter1');
    expect(reveal({ file })).toBe('hunter2');
    expect(reveal({ env: 'MIRROR_PASSWORD' })).toBe('hunter3');
    expect(JSON.stringify(schema.parse({ password: { file } }))).not.toContain('hunter');
  });

  it('says what is wrong where it is not there', async () => {
    await using directory = await tempDir();
    const file = path.join(directory.path, 'secret');
    expect(problem({ file })).toContain('ENOENT');
    await writeFile(file, '\n');
    expect(problem({ file })).toContain('is empty');
    expect(problem({ file: 'relative' })).toContain('absolute path');
    expect(problem({ env: 'STOWAGE_NOT_SET' })).toContain('"STOWAGE_NOT_SET" is not set');
    expect(problem('')).not.toBe('');
    expect(problem({ env: 'A', file })).not.toBe('');
  });
});
