import { execFile } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { access, cp, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { userInfo } from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { systemCode } from '../../../core/base/errors.js';
import { ROOT, start } from '../../support/command.js';
import type { Running } from '../../support/command.js';
import { freePort } from '../../support/free-port.js';
import { tempDir } from '../../support/temp-dir.js';
import type { CephService } from './ceph.js';
import type { KeystoneService } from '../keystone.js';

const run = promisify(execFile);

/** No other Python than the system's, whatever the shell of the developer prefers. */
const ENV = { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', LC_ALL: 'C.UTF-8' };
/** Milliseconds for a part to come up. */
const PATIENCE = 60_000;

export const VOLUME_TYPES = ['ceph-a', 'ceph-b'] as const;

export interface CinderOptions {
  readonly ceph: CephService;
  /** Has a project `service`, as a cloud has. */
  readonly keystone: KeystoneService;
  /** The Image API that Cinder is a client of. */
  readonly images: string;
  /** Further lines of every backend. */
  readonly backend?: readonly string[];
  /** Further lines of the section DEFAULT. */
  readonly settings?: readonly string[];
}

/**
 * A real Cinder with two backends in a Ceph cluster, each a volume type, with the RabbitMQ and the MariaDB
 * that it needs: Debian's packages, in user space, on the loopback interface.
 */
export class CinderService implements AsyncDisposable {
  readonly url: string;
  readonly #daemons: Running[] = [];
  #own: Running[] = [];
  #hidden: string | undefined;
  /** Cinder's own account, an administrator of the project `service`. */
  #account: { readonly user: string; readonly project: string } | undefined;

  private constructor(
    private readonly directory: string,
    private readonly ports: { readonly api: number; readonly amqp: number; readonly epmd: number },
    private options: CinderOptions,
    private readonly release: () => Promise<void>,
  ) {
    this.url = `http://127.0.0.1:${ports.api}/v3`;
  }

  static async start(options: CinderOptions): Promise<CinderService> {
    const temporary = await tempDir();
    const ports = { api: await freePort(), amqp: await freePort(), epmd: await freePort() };
    const service = new CinderService(temporary.path, ports, options, async () => {
      await temporary[Symbol.asyncDispose]();
    });
    try {
      await service.#up();
    } catch (cause) {
      const logs = await service.logs();
      await service[Symbol.asyncDispose]();
      throw new Error(`Cinder does not come up:\n${logs}`, { cause });
    }
    return service;
  }

  /** Begins anew with other options; the volumes stay. */
  async restart(options: Partial<CinderOptions>): Promise<void> {
    this.options = { ...this.options, ...options };
    await end(this.#own);
    this.#own = [];
    await this.#serve();
  }

  /** Of the administrator of all volumes. */
  adminToken(): Promise<string> {
    const { user = '', project = '' } = this.#account ?? {};
    return this.options.keystone.token(user, { project });
  }

  /** A request with a token. */
  async call(
    token: string,
    method: string,
    place: string,
    json?: unknown,
  ): Promise<{ readonly status: number; readonly body: never }> {
    const answer = await fetch(this.url + place, {
      method,
      headers: {
        'content-type': 'application/json',
        'x-auth-token': token,
        'openstack-api-version': 'volume 3.66',
      },
      body: json === undefined ? null : JSON.stringify(json),
    });
    const text = await answer.text();
    return { status: answer.status, body: (text === '' ? {} : JSON.parse(text)) as never };
  }

  /** Has a volume be of an encrypted kind, as Cinder tells it; real keys would need a Barbican. */
  async encrypt(volume: string): Promise<void> {
    const fact = `encryption_key_id = '${randomUUID()}'`;
    await query(this.#file('mariadb'), `update cinder.volumes set ${fact} where id = '${volume}'`);
  }

  /** Has the driver fail to clone a volume: it is not in the pool. `undefined` brings it back. */
  async failClones(volume: string | undefined): Promise<void> {
    const { ceph } = this.options;
    if (volume !== undefined) {
      await ceph.admin('rbd', 'rename', `volumes/volume-${volume}`, `volumes/hidden-${volume}`);
      this.#hidden = volume;
    } else if (this.#hidden !== undefined) {
      const hidden = this.#hidden;
      this.#hidden = undefined;
      await ceph.admin('rbd', 'rename', `volumes/hidden-${hidden}`, `volumes/volume-${hidden}`);
    }
  }

  /** The end of its logs, for a test that has failed. */
  async logs(): Promise<string> {
    const parts = await Promise.all(
      ['api', 'scheduler', 'volume'].map((part) =>
        readFile(this.#file(`log/${part}.log`), 'utf8').catch(() => ''),
      ),
    );
    return parts.map((text) => text.slice(-6000)).join('\n');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await end([...this.#daemons, ...this.#own]);
    await this.release();
  }

  async #up(): Promise<void> {
    for (const folder of ['log', 'lock', 'state', 'rabbit', 'conversion', 'coordination']) {
      await mkdir(this.#file(folder), { recursive: true });
    }
    const { keystone } = this.options;
    const { body } = await keystone.call('GET', '/projects?name=service');
    const [service] = (body as { readonly projects: readonly { readonly id: string }[] }).projects;
    if (service === undefined) throw new Error('Keystone has no project "service"');
    const user = await keystone.user('cinder');
    for (const role of ['admin', 'service']) {
      await keystone.grant(role, user, { project: service.id });
    }
    this.#account = { user, project: service.id };
    await this.options.ceph.pool('volumes');
    await this.options.ceph.pool('volumes-b');
    await cp(await emptyDatabase(), this.#file('mariadb'), { recursive: true });
    await Promise.all([this.#database(), this.#messages()]);
    await this.#serve();
  }

  async #database(): Promise<void> {
    const place = this.#file('mariadb');
    this.#daemon('mariadbd', databaseArguments(place));
    await until('MariaDB', () => query(place, 'select 1'));
  }

  /** RabbitMQ, with the port mapper of Erlang that it needs. */
  async #messages(): Promise<void> {
    const { amqp, epmd } = this.ports;
    const place = this.#file('rabbit');
    await writeFile(
      path.join(place, 'rabbitmq.conf'),
      'vm_memory_high_watermark.absolute = 512MB\ndisk_free_limit.absolute = 100MB\n' +
        'loopback_users.guest = true\nlog.file.level = warning\n',
    );
    await writeFile(path.join(place, 'plugins'), '[].');
    this.#daemon('epmd', ['-port', String(epmd), '-address', '127.0.0.1']);
    this.#daemon('/usr/lib/rabbitmq/bin/rabbitmq-server', [], {
      HOME: place,
      RABBITMQ_NODENAME: `test${amqp}@localhost`,
      RABBITMQ_NODE_IP_ADDRESS: '127.0.0.1',
      RABBITMQ_NODE_PORT: String(amqp),
      RABBITMQ_MNESIA_BASE: path.join(place, 'mnesia'),
      RABBITMQ_LOG_BASE: path.join(place, 'log'),
      RABBITMQ_PID_FILE: path.join(place, 'pid'),
      RABBITMQ_CONF_ENV_FILE: path.join(place, 'none'),
      RABBITMQ_CONFIG_FILE: path.join(place, 'rabbitmq'),
      RABBITMQ_ENABLED_PLUGINS_FILE: path.join(place, 'plugins'),
      RABBITMQ_DIST_PORT: String(await freePort()),
      RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS: '-kernel inet_dist_use_interface {127,0,0,1}',
      ERL_EPMD_ADDRESS: '127.0.0.1',
      ERL_EPMD_PORT: String(epmd),
    });
    // It is of use when it takes connections.
    await until('RabbitMQ', () => run('bash', ['-c', `exec 3<>/dev/tcp/127.0.0.1/${amqp}`]));
  }

  async #serve(): Promise<void> {
    await writeFile(this.#file('cinder.conf'), this.#config());
    for (const part of ['api', 'scheduler', 'volume']) {
      const log = ['--log-file', this.#file(`log/${part}.log`)];
      const args = ['--config-file', this.#file('cinder.conf'), ...log];
      this.#own.push(daemon(`cinder-${part}`, args, {}));
    }
    await until('the API of Cinder', async () => {
      await fetch(this.url.replace('/v3', '/'));
    });
    await query(
      this.#file('mariadb'),
      // Types as an administrator makes them; so that starting needs no token.
      VOLUME_TYPES.map(
        (type) =>
          `insert ignore into cinder.volume_types (id, name, is_public, deleted, created_at) values (md5('${type}'), '${type}', 1, 0, now());` +
          `insert into cinder.volume_type_extra_specs (volume_type_id, \`key\`, value, deleted, created_at) select md5('${type}'), 'volume_backend_name', '${type}', 0, now() from dual where not exists (select 1 from cinder.volume_type_extra_specs where volume_type_id = md5('${type}'));`,
      ).join('\n'),
    );
    const token = await this.adminToken();
    await until('both backends of Cinder', async () => {
      const { body } = await this.call(token, 'GET', '/scheduler-stats/get_pools');
      const pools = JSON.stringify(body);
      if (!VOLUME_TYPES.every((type) => pools.includes(`@${type}#`))) throw new Error(pools);
    });
  }

  #config(): string {
    const { keystone, images, ceph, backend = [], settings = [] } = this.options;
    const { api, amqp } = this.ports;
    const account = [
      ...[`auth_url = ${keystone.url}`, 'auth_type = password', 'username = cinder'],
      ...['password = secret', 'project_name = service'],
      ...['user_domain_name = Default', 'project_domain_name = Default'],
    ];
    return [
      '[DEFAULT]',
      ...['auth_strategy = keystone', 'host = test', 'my_ip = 127.0.0.1'],
      ...[`state_path = ${this.#file('state')}`, 'osapi_volume_listen = 127.0.0.1'],
      ...[`osapi_volume_listen_port = ${api}`, 'osapi_volume_workers = 1'],
      `transport_url = rabbit://guest:guest@127.0.0.1:${amqp}/`,
      ...['control_exchange = cinder', 'api_paste_config = /etc/cinder/api-paste.ini'],
      'rootwrap_config = /etc/cinder/rootwrap.conf',
      `image_conversion_dir = ${this.#file('conversion')}`,
      ...[`glance_api_servers = ${images}`, 'glance_num_retries = 1'],
      ...['enabled_backends = ceph-a,ceph-b', 'default_volume_type = ceph-a'],
      ...['quota_volumes = -1', 'quota_snapshots = -1', 'quota_gigabytes = -1'],
      'max_over_subscription_ratio = 1000',
      ...settings,
      '[backend_defaults]',
      'volume_driver = cinder.volume.drivers.rbd.RBDDriver',
      ...[`rbd_ceph_conf = ${ceph.conf}`, `rbd_user = ${ceph.user}`, 'rbd_max_clone_depth = 5'],
      ...['rbd_flatten_volume_from_snapshot = false', 'rbd_exclusive_cinder_pool = true'],
      ...backend,
      ...['[ceph-a]', 'volume_backend_name = ceph-a', 'rbd_pool = volumes'],
      ...['[ceph-b]', 'volume_backend_name = ceph-b', 'rbd_pool = volumes-b'],
      '[database]',
      `connection = mysql+pymysql://cinder:secret@localhost/cinder?unix_socket=${socketOf(this.#file('mariadb'))}&charset=utf8`,
      ...['[oslo_concurrency]', `lock_path = ${this.#file('lock')}`],
      ...['[coordination]', `backend_url = file://${this.#file('coordination')}`],
      ...['[oslo_messaging_notifications]', 'driver = noop'],
      ...['[oslo_messaging_rabbit]', 'heartbeat_timeout_threshold = 0'],
      ...['[keystone_authtoken]', `www_authenticate_uri = ${keystone.url}`, ...account],
      ...['[service_user]', 'send_service_user_token = true', ...account],
      '',
    ].join('\n');
  }

  #daemon(
    program: string,
    args: readonly string[],
    env: Readonly<Record<string, string>> = {},
  ): void {
    this.#daemons.push(daemon(program, args, env));
  }

  #file(name: string): string {
    return path.join(this.directory, name);
  }
}

/** Ends with the process of the tests, however that ends. */
function daemon(
  program: string,
  args: readonly string[],
  env: Readonly<Record<string, string>>,
): Running {
  return start('/usr/bin/setpriv', ['--pdeathsig', 'KILL', program, ...args], {
    env: { ...ENV, ...env },
  });
}

async function end(daemons: readonly Running[]): Promise<void> {
  const parents = await parentsOfAll();
  for (const { process } of daemons) process.kill('SIGTERM');
  const killed = setTimeout(() => {
    for (const { process } of daemons) process.kill('SIGKILL');
  }, 5000);
  // Children of theirs may hold their output for longer.
  await Promise.all(daemons.map(({ process }) => exited(process)));
  clearTimeout(killed);
  // Workers outlive a server that was killed.
  for (const { process: daemon } of daemons) {
    for (const pid of below(daemon.pid ?? 0, parents)) {
      try {
        process.kill(pid, 'SIGKILL');
      } catch (error) {
        if (systemCode(error) !== 'ESRCH') throw error;
      }
    }
  }
}

/** The parent of every process, by its id. */
async function parentsOfAll(): Promise<ReadonlyMap<number, number>> {
  const { stdout } = await run('ps', ['-e', '-o', 'pid=,ppid=']);
  const pairs = stdout
    .trim()
    .split('\n')
    .map((line) => line.trim().split(/\s+/).map(Number));
  return new Map(pairs.map(([pid = 0, parent = 0]) => [pid, parent]));
}

function below(pid: number, parents: ReadonlyMap<number, number>): readonly number[] {
  const children = [...parents].filter(([, parent]) => parent === pid).map(([child]) => child);
  return children.flatMap((child) => [child, ...below(child, parents)]);
}

async function exited(child: ChildProcess): Promise<void> {
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
}

async function until(what: string, ready: () => Promise<unknown>): Promise<void> {
  const deadline = Date.now() + PATIENCE;
  for (;;) {
    const error = await ready().then(
      () => undefined,
      (reason: unknown) => reason,
    );
    if (error === undefined) return;
    if (Date.now() > deadline) throw new Error(`${what} does not come up`, { cause: error });
    await delay(100);
  }
}

function socketOf(place: string): string {
  return path.join(place, 'sock');
}

function databaseArguments(place: string): readonly string[] {
  return [
    ...['--no-defaults', `--user=${userInfo().username}`, `--datadir=${path.join(place, 'data')}`],
    ...[
      `--socket=${socketOf(place)}`,
      '--skip-networking',
      `--pid-file=${path.join(place, 'pid')}`,
    ],
    ...['--innodb-buffer-pool-size=64M', '--innodb-flush-log-at-trx-commit=0'],
  ];
}

function query(place: string, sql: string): Promise<{ readonly stdout: string }> {
  return run('mariadb', ['--no-defaults', '-N', '-S', socketOf(place), '-e', sql]);
}

/** The directory of a MariaDB with the schema of Cinder and nothing in it; making it takes a while, so it is made once. */
async function emptyDatabase(): Promise<string> {
  const { stdout } = await run('dpkg-query', [
    '-W',
    '-f',
    '${Version}_',
    'cinder-api',
    'mariadb-server',
  ]);
  const made = path.join(ROOT, '.cache', `cinder-${stdout.replace(/[^\w.-]/g, '_')}`);
  if (await exists(made)) return made;
  const making = `${made}.${process.pid}`;
  await mkdir(making, { recursive: true });
  const user = userInfo().username;
  await run('mariadb-install-db', [
    ...['--no-defaults', `--datadir=${path.join(making, 'data')}`, `--user=${user}`],
    ...['--auth-root-authentication-method=socket', '--skip-test-db'],
  ]);
  const server = daemon('mariadbd', databaseArguments(making), {});
  try {
    await until('MariaDB', () => query(making, 'select 1'));
    await query(
      making,
      "create database cinder character set utf8mb3; create user cinder@localhost identified by 'secret'; grant all on cinder.* to cinder@localhost",
    );
    const config = path.join(making, 'cinder.conf');
    await writeFile(
      config,
      `[database]\nconnection = mysql+pymysql://cinder:secret@localhost/cinder?unix_socket=${socketOf(making)}&charset=utf8\n`,
    );
    await run('cinder-manage', ['--config-file', config, 'db', 'sync'], { env: ENV });
    await query(making, 'update cinder.quota_classes set hard_limit = -1');
  } finally {
    await end([server]);
  }
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
