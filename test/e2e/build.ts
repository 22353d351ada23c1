import { execFileSync } from 'node:child_process';
import path from 'node:path';

/** The end-to-end tests drive the built server, so build it once before they start. */
export default function build(): void {
  const root = path.resolve(import.meta.dirname, '../..');
  const compiler = path.join(root, 'node_modules/typescript/bin/tsc');
  execFileSync(process.execPath, [compiler, '-p', 'tsconfig.build.json'], {
    cwd: root,
    stdio: 'inherit',
  });
}
