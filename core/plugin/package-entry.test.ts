import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { tempDir } from '../../test/support/temp-dir.js';
import { findPackage, readPackage } from './package-entry.js';

describe('readPackage', () => {
  it.each([
    [{}, 'index.js'],
    [{ main: 'lib/main.js' }, 'lib/main.js'],
    [{ main: 'old.js', exports: './new.js' }, 'new.js'],
    [{ exports: { '.': './dot.js', './x': './x.js' } }, 'dot.js'],
    [{ exports: { import: './esm.js', require: './cjs.cjs' } }, 'esm.js'],
    [{ exports: { '.': { types: './x.d.ts', node: { default: './node.js' } } } }, 'node.js'],
    [{ exports: { '.': [{ browser: './b.js' }, './fallback.js'] } }, 'fallback.js'],
    [{ exports: { './plugin': './plugin.js' } }, undefined],
    [{ exports: { require: './cjs.cjs' } }, undefined],
    [{ exports: '../outside.js' }, undefined],
    [{ exports: './../outside.js' }, undefined],
    [{ main: '/etc/passwd' }, undefined],
  ])('of %j finds %s', async (described, entry) => {
    await using dir = await tempDir();
    const manifest = JSON.stringify({ name: 'x', version: '1.0.0', ...described });
    await writeFile(path.join(dir.path, 'package.json'), manifest);
    const expected = entry === undefined ? undefined : path.join(dir.path, entry);
    expect(readPackage(dir.path)).toEqual({ folder: dir.path, version: '1.0.0', entry: expected });
  });
});

describe('findPackage', () => {
  it('takes the nearest one on the way up', async () => {
    await using dir = await tempDir();
    const below = path.join(dir.path, 'a/b');
    await mkdir(below, { recursive: true });
    for (const folder of [dir.path, path.join(dir.path, 'a')]) {
      await mkdir(path.join(folder, 'node_modules/x'), { recursive: true });
      await writeFile(path.join(folder, 'node_modules/x/package.json'), '{}');
    }
    expect(findPackage('x', below)?.folder).toBe(path.join(dir.path, 'a/node_modules/x'));
    expect(findPackage('y-that-nobody-has', below)).toBeUndefined();
  });
});
