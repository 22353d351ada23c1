import { lstat, readdir } from 'node:fs/promises';
import path from 'node:path';
import { request } from 'undici';
import { ProcessGroup } from './process-group.js';
import { seconds } from './native.js';

type Method = 'GET' | 'POST' | 'PUT';

export interface ImageBody {
  readonly id: string;
  readonly status: string;
  readonly size: number | null;
  readonly disk_format: string | null;
  readonly os_glance_importing_to_stores?: string;
  readonly os_glance_failed_import?: string;
}

/**
 * Milliseconds between two looks at an import that is waited for: so many at least, and a part of the
 * time that it has taken so far, so that looking costs little beside what is measured.
 */
const POLL = 5;
const POLL_PART = 0.02;

/** One server that speaks the Image API, measured from outside: HTTP, and `/proc` for what it uses. */
export class Endpoint {
  readonly #group: ProcessGroup;

  constructor(
    readonly name: string,
    readonly url: string,
    private readonly token: string | undefined,
    /** Of a server of ours. */
    private readonly dataDir?: string,
  ) {
    this.#group = new ProcessGroup(Number(new URL(url).port));
  }

  get headers(): Readonly<Record<string, string>> {
    return this.token === undefined ? {} : { 'x-auth-token': this.token };
  }

  cpuSeconds(): Promise<number> {
    return this.#group.cpuSeconds();
  }

  /** MiB, with shared pages divided between the processes that share them. */
  memory(): Promise<number> {
    return this.#group.memory();
  }

  /** MiB that its staging area occupies on the disk. */
  async staged(): Promise<number> {
    if (this.dataDir === undefined) throw new Error(`${this.name}: nobody knows its staging area`);
    const directory = path.join(this.dataDir, 'staging');
    const names = await readdir(directory, { recursive: true });
    const found = await Promise.all(
      // What is gone by now takes nothing.
      names.map((name) => lstat(path.join(directory, name)).catch(() => undefined)),
    );
    const blocks = found.map((file) => (file?.isFile() === true ? file.blocks : 0));
    return (blocks.reduce((sum, one) => sum + one, 0) * 512) / 2 ** 20;
  }

  async create(diskFormat = 'raw', name = 'bench'): Promise<string> {
    const image = { name, disk_format: diskFormat, container_format: 'bare' };
    const { id } = (await this.#json('POST', '/v2/images', 201, image)) as ImageBody;
    return id;
  }

  /** Seconds of one `PUT`, by curl. */
  put(id: string, what: 'file' | 'stage', file: string): Promise<number> {
    return this.#curl(`/v2/images/${id}/${what}`, ['-X', 'PUT', '-T', file]);
  }

  /** Stages bytes without a program of its own, which would cost as much as a small import does. */
  async stage(id: string, bytes: Buffer): Promise<void> {
    await this.#request('PUT', `/v2/images/${id}/stage`, 204, 'application/octet-stream', bytes);
  }

  /** Seconds of one `GET …/file`, by curl. */
  download(id: string): Promise<number> {
    return this.#curl(`/v2/images/${id}/file`, []);
  }

  async import(id: string, body: Readonly<Record<string, unknown>>): Promise<void> {
    await this.#json('POST', `/v2/images/${id}/import`, 202, body);
  }

  /** Seconds from `POST …/import` to `active`. */
  async importSeconds(id: string, body: Readonly<Record<string, unknown>>): Promise<number> {
    const began = performance.now();
    await this.import(id, body);
    await this.active(id);
    return (performance.now() - began) / 1000;
  }

  /** @param pollPart as {@link POLL_PART}; more where many wait at once, who would measure their asking */
  async active(id: string, pollPart = POLL_PART): Promise<ImageBody> {
    const began = performance.now();
    for (;;) {
      const image = await this.show(id);
      const failed = image.os_glance_failed_import ?? '';
      if (image.status === 'active' && (image.os_glance_importing_to_stores ?? '') === '') {
        return image;
      }
      const isMoving = ['importing', 'uploading', 'saving', 'active'].includes(image.status);
      if (!isMoving || failed !== '') {
        const why = await this.#whyFailed(id);
        throw new Error(
          `${this.name}: image ${id} is "${image.status}", failed in "${failed}": ${why}`,
        );
      }
      const wait = Math.max(POLL, (performance.now() - began) * pollPart);
      await new Promise((resolve) => setTimeout(resolve, wait));
    }
  }

  /** What the tasks of an image say of their end. */
  async #whyFailed(id: string): Promise<string> {
    const { tasks } = (await this.#json('GET', `/v2/images/${id}/tasks`, 200)) as {
      readonly tasks: readonly { readonly message: string | null }[];
    };
    return tasks.map(({ message }) => message).join('; ');
  }

  async show(id: string): Promise<ImageBody> {
    return (await this.#json('GET', `/v2/images/${id}`, 200)) as ImageBody;
  }

  /** Asks again where the server has not finished with the image yet. */
  async delete(id: string): Promise<void> {
    for (let attempt = 0; attempt < 50; attempt += 1) {
      const { statusCode, body } = await request(`${this.url}/v2/images/${id}`, {
        method: 'DELETE',
        headers: this.headers,
      });
      await body.dump();
      if (statusCode === 204 || statusCode === 404) return;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    throw new Error(`${this.name}: cannot delete image ${id}`);
  }

  async #curl(target: string, args: readonly string[]): Promise<number> {
    const headers = Object.entries({
      ...this.headers,
      'content-type': 'application/octet-stream',
      expect: '',
    }).flatMap(([name, value]) => ['-H', `${name}: ${value}`]);
    return seconds('curl', ['-sSf', '-o', '/dev/null', ...args, ...headers, this.url + target]);
  }

  async #json(method: Method, target: string, expected: number, body?: unknown): Promise<unknown> {
    const bytes = body === undefined ? null : JSON.stringify(body);
    const text = await this.#request(method, target, expected, 'application/json', bytes);
    return text === '' ? undefined : JSON.parse(text);
  }

  async #request(
    method: Method,
    target: string,
    expected: number,
    type: string,
    bytes: Buffer | string | null,
  ): Promise<string> {
    const { statusCode, body } = await request(this.url + target, {
      method,
      headers: { ...this.headers, 'content-type': type },
      body: bytes,
    });
    const text = await body.text();
    if (statusCode === expected) return text;
    throw new Error(`${this.name}: ${method} ${target}: ${statusCode} ${text}`);
  }
}
