import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { z } from '../../core/api.js';

const BLOCK = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;

/** The absolute path of a file of certificates in PEM. Code gets the certificates. */
export function certificates(): z.ZodType<string, string> {
  return z.string().transform((file, context) => {
    const found = read(file);
    if ('pem' in found) return found.pem;
    context.issues.push({ code: 'custom', input: file, message: found.problem });
    return z.NEVER;
  });
}

function read(file: string): { readonly pem: string } | { readonly problem: string } {
  if (!path.isAbsolute(file)) return { problem: 'expected the absolute path of a file' };
  try {
    const blocks = readFileSync(file, 'utf8').match(BLOCK) ?? [];
    if (blocks.length === 0) return { problem: 'the file holds no certificate in PEM' };
    for (const block of blocks) new X509Certificate(block);
    return { pem: blocks.join('\n') };
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    return { problem: `cannot read certificates from the file: ${reason}` };
  }
}
