import path from 'node:path';
import type { AuthConfig, KeystoneConfig, KeystoneCredentialConfig } from './config.js';
import type { Settings } from './settings.js';

const LOOPBACK = ['127.0.0.0/8', '::1/128'];

type KeystoneSettings = NonNullable<Settings['auth']['keystone']>;

/** The section `auth`, after the rules have found nothing wrong with it. */
export function compileAuth(auth: Settings['auth'], dataDir: string): AuthConfig {
  switch (auth.mode) {
    case 'none':
      return { mode: auth.mode, allowRemote: auth.allow_remote };
    case 'headers':
      return { mode: auth.mode, trusted: auth.trusted ?? LOOPBACK };
    case 'keystone': {
      if (auth.keystone === undefined)
        throw new Error('The rules have let auth.keystone be absent');
      return { mode: auth.mode, ...compileKeystone(auth.keystone, dataDir) };
    }
  }
}

function compileKeystone(keystone: KeystoneSettings, dataDir: string): KeystoneConfig {
  const url = identityUrl(keystone.url);
  const { public_url, ca_file } = keystone;
  return {
    url,
    publicUrl: public_url === undefined ? url : identityUrl(public_url),
    credential: compileCredential(keystone),
    caFile: ca_file === undefined ? undefined : path.resolve(dataDir, ca_file),
    timeoutMs: keystone.timeout,
    cacheMs: keystone.cache_time,
    cacheSize: keystone.cache_size,
    outageMs: keystone.outage_time,
  };
}

function compileCredential(keystone: KeystoneSettings): KeystoneCredentialConfig {
  const { application_credential_id: id, application_credential_secret: secret } = keystone;
  if (id !== undefined && secret !== undefined) return { kind: 'application', id, secret };
  const { user, password, project } = keystone;
  if (user === undefined || password === undefined) {
    throw new Error('The rules have let a credential be absent');
  }
  const { user_domain: userDomain, project_domain: projectDomain } = keystone;
  return { kind: 'password', user, userDomain, password, project, projectDomain };
}

function identityUrl(url: string): string {
  const base = url.replace(/\/+$/, '');
  return base.endsWith('/v3') ? base : `${base}/v3`;
}
