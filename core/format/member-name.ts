import { quoted } from './byte-view.js';
import type { Finding } from './inspection.js';
import { finding } from './rules.js';

/** What is wrong with the name of an archive's member, whatever system it would be unpacked on. */
export function judgeName(name: string, offset: number): readonly Finding[] {
  const fault = nameFault(name);
  if (fault === undefined) return [];
  return [finding('member-path', offset, `The member name ${quoted(name)} ${fault}`)];
}

/** Whether a name stays where an archive is unpacked. */
export function isPlainName(name: string): boolean {
  return nameFault(name) === undefined;
}

function nameFault(name: string): string | undefined {
  if (name === '' || name.includes('\0')) return 'is empty or holds a null byte';
  if (/^[/\\]|^[A-Za-z]:/.test(name)) return 'is absolute';
  return name.split(/[/\\]/).includes('..') ? 'leads out of the archive' : undefined;
}
