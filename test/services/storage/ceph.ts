import { execFile } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { start } from '../../support/command.js';
import type { Running } from '../../support/command.js';
import { freePort } from '../../support/free-port.js';
import { tempDir } from '../../support/temp-dir.js';

const run = promisify(execFile);

/** Milliseconds for the cluster to come up. */
const PATIENCE = 60_000;

const USER = 'stowage';

/**
 * A real Ceph cluster of one monitor and one daemon for storage, in memory, from Debian's packages; in
 * user space, on the loopback interface. Every pool that is made may be used by `user`.
 */
export class CephService implements AsyncDisposable {
  readonly user = USER;
  /** Configuration of a client; its folder holds the key of `user` too. */
  readonly conf: string;
  readonly keyring: string;
  /** Configuration of the administrator. */
  readonly adminConf: string;
  readonly #daemons: Running[] = [];

  private constructor(
    readonly fsid: string,
    private readonly directory: string,
    /** Of the monitor: both protocols of the messenger, since librbd of Debian asks for either. */
    private readonly ports: { readonly v2: number; readonly v1: number },
    private readonly release: () => Promise<void>,
  ) {
    this.conf = path.join(directory, 'etc', 'ceph.conf');
    this.adminConf = path.join(directory, 'admin.conf');
    this.keyring = path.join(directory, 'etc', `ceph.client.${USER}.keyring`);
  }

  static async start(): Promise<CephService> {
    const temporary = await tempDir();
    const ports = { v2: await freePort(), v1: await freePort() };
    const service = new CephService(randomUUID(), temporary.path, ports, async () => {
      await temporary[Symbol.asyncDispose]();
    });
    try {
      await service.#up();
    } catch (error) {
      await service[Symbol.asyncDispose]();
      throw error;
    }
    return service;
  }

  async pool(name: string): Promise<void> {
    await this.admin('ceph', 'osd', 'pool', 'create', name, '8', '8');
    await this.admin('ceph', 'osd', 'pool', 'application', 'enable', name, 'rbd');
    await this.admin('rbd', 'pool', 'init', name);
  }

  async dropPool(name: string): Promise<void> {
    await this.admin('ceph', 'osd', 'pool', 'rm', name, name, '--yes-i-really-really-mean-it');
  }

  /** Runs a program of Ceph as its administrator. */
  async admin(program: 'ceph' | 'rbd', ...args: readonly string[]): Promise<string> {
    const own = ['--conf', this.#file('admin.conf')];
    return (await run(program, [...own, ...args], { timeout: PATIENCE })).stdout;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const daemon of this.#daemons.toReversed()) {
      daemon.process.kill('SIGKILL');
      await daemon.finished;
    }
    await this.release();
  }

  async #up(): Promise<void> {
    for (const folder of ['etc', 'mon', 'osd']) await mkdir(this.#file(folder));
    await this.#configure();
    const mon = ['--conf', this.#file('admin.conf'), '-i', 'a'];
    const map = this.#file('monmap');
    const monitor = ['--addv', 'a', this.#address(), '--fsid', this.fsid];
    await run('monmaptool', ['--create', ...monitor, map]);
    const keyring = ['--keyring', this.#file('mon.keyring')];
    await run('ceph-mon', [...mon, '--mkfs', '--monmap', map, ...keyring]);
    this.#serve('ceph-mon', [...mon, '-f', '--public-addr', this.#address()]);
    await this.admin('ceph', '--connect-timeout', '30', 'quorum_status');
    await this.#addStorage();
    const capabilities = ['mon', 'profile rbd', 'osd', 'profile rbd'];
    await this.admin(
      ...(['ceph', 'auth', 'get-or-create'] as const),
      ...[`client.${USER}`, ...capabilities, '-o', this.keyring],
    );
  }

  async #addStorage(): Promise<void> {
    const uuid = randomUUID();
    const id = (await this.admin('ceph', 'osd', 'new', uuid)).trim();
    const caps = ['mon', 'allow profile osd', 'osd', 'allow *'];
    const keyring = this.#file('osd/keyring');
    await this.admin('ceph', 'auth', 'get-or-create', `osd.${id}`, ...caps, '-o', keyring);
    const osd = ['--conf', this.#file('admin.conf'), '-i', id];
    await run('ceph-osd', [...osd, '--mkfs', '--osd-uuid', uuid, '--no-mon-config']);
    this.#serve('ceph-osd', [...osd, '-f']);
    const deadline = Date.now() + PATIENCE;
    while (!(await this.admin('ceph', 'osd', 'stat', '-f', 'json')).includes('"num_up_osds":1')) {
      if (Date.now() > deadline) throw new Error('the storage daemon of Ceph does not come up');
      await delay(100);
    }
  }

  async #configure(): Promise<void> {
    const client = [
      '[global]',
      `fsid = ${this.fsid}`,
      `mon host = ${this.#address()}`,
      ...['cluster', 'service', 'client'].map((part) => `auth ${part} required = cephx`),
      'ms bind ipv6 = false',
      'auth allow insecure global id reclaim = false',
      'admin socket =',
      'log file =',
    ];
    const own = [`[client.${USER}]`, `keyring = ${this.keyring}`];
    await writeFile(this.conf, `${[...client, ...own].join('\n')}\n`);
    const cluster = [
      ...client,
      ...['public addr = 127.0.0.1', 'cluster addr = 127.0.0.1', `run dir = ${this.directory}`],
      ...['osd pool default size = 1', 'osd pool default min size = 1'],
      ...['osd pool default pg autoscale mode = off', 'osd crush chooseleaf type = 0'],
      ...['mon allow pool size one = true', 'mon allow pool delete = true'],
      ...['mon data avail warn = 2', 'mon data avail crit = 1'],
      ...['paxos propose interval = 0.05', 'paxos min wait = 0.01', 'pid file ='],
      ...['[client.admin]', `keyring = ${this.#file('admin.keyring')}`],
      ...['[mon]', `mon data = ${this.#file('mon/a')}`],
      ...['[osd]', `osd data = ${this.#file('osd')}`, `keyring = ${this.#file('osd/keyring')}`],
      ...['osd objectstore = memstore', `memstore device bytes = ${8 * 1024 ** 3}`],
      'osd op num shards = 2',
    ];
    await writeFile(this.#file('admin.conf'), `${cluster.join('\n')}\n`);
    await mkdir(this.#file('mon/a'));
    const admin = this.#file('admin.keyring');
    const mon = this.#file('mon.keyring');
    const all = ['mon', 'osd', 'mgr'].flatMap((service) => ['--cap', service, 'allow *']);
    await run('ceph-authtool', [
      '--create-keyring',
      admin,
      '--gen-key',
      '-n',
      'client.admin',
      ...all,
    ]);
    await run('ceph-authtool', [
      '--create-keyring',
      mon,
      '--gen-key',
      '-n',
      'mon.',
      ...all.slice(0, 3),
    ]);
    await run('ceph-authtool', [mon, '--import-keyring', admin]);
  }

  #serve(program: string, args: readonly string[]): void {
    this.#daemons.push(start(program, args, { cwd: this.directory }));
  }

  #address(): string {
    return `[v2:127.0.0.1:${this.ports.v2},v1:127.0.0.1:${this.ports.v1}]`;
  }

  #file(name: string): string {
    return path.join(this.directory, name);
  }
}
