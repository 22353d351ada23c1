import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { access, cp, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { ROOT, start } from '../support/command.js';
import type { Running } from '../support/command.js';
import { freePort } from '../support/free-port.js';
import { tempDir } from '../support/temp-dir.js';

const MANAGE = '/usr/bin/keystone-manage';
const SERVER = '/usr/bin/keystone-wsgi-public';
const PASSWORD = 'secret';
/** No other Python than the system's, whatever the shell of the developer prefers. */
const ENV = { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', LC_ALL: 'C.UTF-8' };

const run = promisify(execFile);

/** For whom or what a token speaks. */
export type Scope =
  | { readonly project: string }
  | { readonly domain: string }
  | { readonly system: 'all' }
  | 'unscoped';

export interface ApplicationCredential {
  readonly id: string;
  readonly secret: string;
}

/**
 * A real Keystone on a port of its own: Debian's package python3-keystone over SQLite, served by one
 * process. Making an empty one takes half a minute, so it is made once and copied.
 */
export class KeystoneService implements AsyncDisposable {
  readonly url: string;
  #server: Running | undefined;
  #admin: string | undefined;
  readonly #roles = new Map<string, string>();

  private constructor(
    private readonly directory: string,
    private readonly port: number,
    private readonly release: () => Promise<void>,
  ) {
    this.url = `http://127.0.0.1:${port}/v3`;
  }

  static async start(options: KeystoneSettings = {}): Promise<KeystoneService> {
    const temporary = await tempDir();
    await cp(await bootstrapped(), temporary.path, { recursive: true });
    const service = new KeystoneService(temporary.path, await freePort(), async () => {
      await temporary[Symbol.asyncDispose]();
    });
    await service.up(options);
    return service;
  }

  /** Begins to answer. @param settings of this life */
  async up(settings: KeystoneSettings = {}): Promise<void> {
    await writeConfig(this.directory, settings);
    const config = path.join(this.directory, 'keystone.conf');
    const listen = ['--port', String(this.port), '--host', '127.0.0.1'];
    this.#server = start(
      '/usr/bin/setpriv',
      // It ends with the process of the tests, however that ends.
      ['--pdeathsig', 'KILL', '/usr/bin/python3', SERVER, ...listen, '--', '--config-file', config],
      { env: ENV },
    );
    const { finished } = this.#server;
    let ended: string | undefined;
    void finished.then(({ code, err }) => (ended = `${code}: ${err}`));
    for (;;) {
      if (ended !== undefined) throw new Error(`Keystone has ended with ${ended}`);
      const answer = await fetch(this.url).catch(() => undefined);
      if (answer?.ok === true) return;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }

  /** Nothing listens on its port any more. */
  async down(): Promise<void> {
    this.#server?.process.kill('SIGKILL');
    await this.#server?.finished;
    this.#server = undefined;
  }

  /** Makes a project of the default domain, and answers its id. */
  project(name: string): Promise<string> {
    return this.#make('project', { name, domain_id: 'default' });
  }

  /** Makes a user with the password `secret`, and answers its id. */
  user(name: string): Promise<string> {
    return this.#make('user', { name, domain_id: 'default', password: PASSWORD });
  }

  /** @param scope with the id of the project or domain */
  async grant(role: string, userId: string, scope: Exclude<Scope, 'unscoped'>): Promise<void> {
    const roleId = await this.#role(role);
    const holder =
      'project' in scope
        ? `/projects/${scope.project}`
        : 'domain' in scope
          ? `/domains/${scope.domain}`
          : '/system';
    await this.call('PUT', `${holder}/users/${userId}/roles/${roleId}`);
  }

  /** @param scope with the id of the project or domain */
  async token(userId: string, scope: Scope): Promise<string> {
    const identity = {
      methods: ['password'],
      password: { user: { id: userId, password: PASSWORD } },
    };
    return this.#issue({
      identity,
      ...(scope === 'unscoped' ? { scope } : { scope: scopeOf(scope) }),
    });
  }

  /** An application credential of a user, with all roles that the token has. */
  async applicationCredential(userId: string, token: string): Promise<ApplicationCredential> {
    const { body } = await this.call(
      'POST',
      `/users/${userId}/application_credentials`,
      { application_credential: { name: `credential-${randomBytes(4).toString('hex')}` } },
      token,
    );
    return (body as { application_credential: ApplicationCredential }).application_credential;
  }

  revoke(token: string): Promise<unknown> {
    return this.call('DELETE', '/auth/tokens', undefined, undefined, { 'x-subject-token': token });
  }

  /** A request of the administrator's, or in the name of another token. */
  async call(
    method: string,
    place: string,
    json?: unknown,
    token?: string,
    headers: Readonly<Record<string, string>> = {},
  ): Promise<{ readonly headers: Headers; readonly body: unknown }> {
    const by = token ?? (await this.adminToken());
    const answer = await fetch(`${this.url}${place}`, {
      method,
      headers: { 'content-type': 'application/json', 'x-auth-token': by, ...headers },
      body: json === undefined ? null : JSON.stringify(json),
    });
    const text = await answer.text();
    if (!answer.ok) {
      const log = await readFile(path.join(this.directory, 'keystone.log'), 'utf8');
      throw new Error(`${method} ${place}: ${answer.status} ${text}\n${log.slice(-4000)}`);
    }
    return { headers: answer.headers, body: text === '' ? undefined : JSON.parse(text) };
  }

  /** Of the administrator of the whole system. */
  async adminToken(): Promise<string> {
    const user = { name: 'admin', domain: { id: 'default' }, password: PASSWORD };
    this.#admin ??= await this.#issue({
      identity: { methods: ['password'], password: { user } },
      scope: { system: { all: true } },
    });
    return this.#admin;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.down();
    await this.release();
  }

  async #make(kind: 'project' | 'user' | 'role', facts: Record<string, unknown>): Promise<string> {
    const { body } = await this.call('POST', `/${kind}s`, { [kind]: facts });
    return (body as Record<string, { id: string }>)[kind]?.id ?? '';
  }

  async #role(name: string): Promise<string> {
    const known = this.#roles.get(name);
    if (known !== undefined) return known;
    const { body } = await this.call('GET', `/roles?name=${name}`);
    const [found] = (body as { roles: { id: string }[] }).roles;
    const id = found?.id ?? (await this.#make('role', { name }));
    this.#roles.set(name, id);
    return id;
  }

  async #issue(auth: unknown): Promise<string> {
    const answer = await fetch(`${this.url}/auth/tokens`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ auth }),
    });
    const token = answer.headers.get('x-subject-token');
    if (token === null) throw new Error(`No token: ${answer.status} ${await answer.text()}`);
    return token;
  }
}

export interface KeystoneSettings {
  /** Seconds that a token lives. @default 3600 */
  readonly tokenLife?: number;
}

function scopeOf(scope: Exclude<Scope, 'unscoped'>): unknown {
  if ('system' in scope) return { system: { all: true } };
  return 'project' in scope ? { project: { id: scope.project } } : { domain: { id: scope.domain } };
}

async function writeConfig(
  directory: string,
  { tokenLife = 3600 }: KeystoneSettings,
): Promise<void> {
  const text = `[DEFAULT]
log_file = ${directory}/keystone.log
[database]
connection = sqlite:///${directory}/keystone.sqlite
[fernet_tokens]
key_repository = ${directory}/fernet
[fernet_receipts]
key_repository = ${directory}/fernet
[credential]
key_repository = ${directory}/credential
[token]
provider = fernet
expiration = ${tokenLife}
[cache]
enabled = true
backend = dogpile.cache.memory
[identity]
password_hash_rounds = 4
`;
  await writeFile(path.join(directory, 'keystone.conf'), text);
}

/** The directory of an empty Keystone with its administrator. */
async function bootstrapped(): Promise<string> {
  await access(MANAGE).catch(() => {
    throw new Error(`${MANAGE} is missing: install the Debian package python3-keystone`);
  });
  const { stdout: version } = await run('dpkg-query', [
    '-W',
    '-f',
    '${Version}',
    'python3-keystone',
  ]);
  const made = path.join(ROOT, '.cache', `keystone-${version.replace(/[^\w.-]/g, '_')}`);
  if (await exists(made)) return made;
  const making = `${made}.${process.pid}`;
  await mkdir(making, { recursive: true });
  await writeConfig(making, {});
  for (const [folder, keys] of [
    ['fernet', ['0', '1']],
    ['credential', ['0', '1']],
  ] as const) {
    await mkdir(path.join(making, folder), { mode: 0o700 });
    for (const key of keys) {
      const secret = randomBytes(32).toString('base64').replaceAll('+', '-').replaceAll('/', '_');
      await writeFile(path.join(making, folder, key), secret, { mode: 0o600 });
    }
  }
  const config = ['--config-file', path.join(making, 'keystone.conf')];
  await run(MANAGE, [...config, 'db_sync'], { env: ENV });
  const account = ['--bootstrap-username', 'admin', '--bootstrap-password', PASSWORD];
  await run(MANAGE, [...config, 'bootstrap', ...account], { env: ENV });
  // Keystone reads over one connection while it writes over another: only WAL lets both be.
  const wal =
    'import sqlite3, sys; sqlite3.connect(sys.argv[1]).execute("pragma journal_mode=wal")';
  await run('/usr/bin/python3', ['-c', wal, path.join(making, 'keystone.sqlite')]);
  await rename(making, made).catch(async (error: unknown) => {
    // Another run was faster.
    await rm(making, { recursive: true });
    if (!(await exists(made))) throw error;
  });
  return made;
}

function exists(place: string): Promise<boolean> {
  return access(place).then(
    () => true,
    () => false,
  );
}
