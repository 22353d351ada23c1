import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { tempDir } from '../../test/support/temp-dir.js';
import { TLS_CERTIFICATE } from '../../test/support/tls-certificate.js';
import { WebDownloadConfig } from './web-download-config.js';

function problems(config: object): readonly string[] {
  const parsed = WebDownloadConfig.safeParse(config);
  return parsed.success ? [] : parsed.error.issues.map(({ message }) => message);
}

describe('the config of web-download', () => {
  it('shows none of its secrets', () => {
    const config = WebDownloadConfig.parse({
      credentials: [
        { url: 'https://a.test/', username: 'u', password: 'hunter2' },
        { url: 'https://b.test/', bearer: 'hunter2' },
        { url: 'https://c.test/', headers: { 'X-Key': 'hunter2' } },
      ],
      proxy: { url: 'http://proxy.test:3128', username: 'u', password: 'hunter2' },
    });
    expect(JSON.stringify(config)).not.toContain('hunter2');
  });

  it.each([
    { credentials: [{ url: 'https://a.test/' }] },
    { credentials: [{ url: 'https://a.test/', username: 'u' }] },
    { credentials: [{ url: 'https://a.test/', bearer: 'b', headers: { a: 'b' } }] },
    { credentials: [{ url: 'https://u:p@a.test/', bearer: 'b' }] },
    { credentials: [{ url: 'https://a.test/?q', bearer: 'b' }] },
    { credentials: [{ url: 'ftp://a.test/', bearer: 'b' }] },
    { credentials: [{ url: 'https://a.test/', bearer: 'two\nlines' }] },
    { credentials: [{ url: 'https://a.test/', headers: { 'a b': 'c' } }] },
    { proxy: { url: 'socks5://proxy.test' } },
    { proxy: { url: 'http://u:p@proxy.test' } },
    { proxy: { url: 'http://proxy.test/path' } },
    { proxy: { url: 'http://proxy.test', username: 'u' } },
    { ports: [] },
    { ports: [0] },
    { allow: ['10.0.0.0'] },
    { max_rate: '1 KiB' },
    { ca_file: 'relative.pem' },
    { ca_file: '/nowhere/ca.pem' },
  ])('refuses %j', (config) => {
    expect(problems(config)).not.toEqual([]);
  });

  it('reads certificates, and says what is wrong with them', async () => {
    await using directory = await tempDir();
    const file = path.join(directory.path, 'ca.pem');
    await writeFile(file, `# ours\n${TLS_CERTIFICATE.cert}`);
    expect(WebDownloadConfig.parse({ ca_file: file }).ca_file).toBe(TLS_CERTIFICATE.cert.trim());
    await writeFile(file, 'nothing');
    expect(problems({ ca_file: file })).toEqual(['the file holds no certificate in PEM']);
    await writeFile(file, TLS_CERTIFICATE.cert.replace('MIIB', 'AAAA'));
    expect(problems({ ca_file: file })[0]).toContain('cannot read certificates');
  });
});
