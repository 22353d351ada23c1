import { execFileSync } from 'node:child_process';
import path from 'node:path';

/** The end-to-end tests drive the built server, so have it built before they start. */
export default function build(): void {
  const root = path.resolve(import.meta.dirname, '../..');
  execFileSync('bash', ['bin/setup'], { cwd: root, stdio: 'inherit' });
}
