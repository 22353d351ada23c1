import { randomUUID } from 'node:crypto';
import type { JsonObject } from '../../base/json.js';
import type { ImportRecord, ImportState, TaskRecord } from '../../engine/import.js';
import type { ImageChange, ImportChange, SentImage } from '../../engine/ports.js';
import type { Image, ImageStatus } from '../../image/image.js';
import type { ImageMember, MemberStatus } from '../../image/member.js';
import type { Sql } from '../statements.js';
import { SqliteTransaction } from '../transaction.js';
import { insertNotification } from './notifications.js';
import {
  TYPE_OF_IMPORT_STATE,
  imagePayload,
  memberPayload,
  sentPayload,
  taskPayload,
  typesOfStatus,
} from './payloads.js';

/** Which changes are to be told of. */
export type WantsNotification = (type: string) => boolean;

/**
 * A transaction whose changes are told of: each with its notification, so that neither is without the
 * other, whoever makes the change.
 */
export class NotifyingTransaction extends SqliteTransaction {
  #written = 0;

  constructor(
    sql: Sql,
    private readonly wants: WantsNotification,
  ) {
    super(sql);
  }

  /** Notifications that become visible with its commit. */
  get written(): number {
    return this.#written;
  }

  override async insertImage(image: Image): Promise<void> {
    await super.insertImage(image);
    await this.#notify('image.create', image.createdAt, () => imagePayload(image, undefined));
  }

  override async updateImage(
    id: string,
    when: { readonly status: readonly ImageStatus[] },
    change: ImageChange,
    at: Date,
  ): Promise<boolean> {
    const before = await this.image(id);
    const done = await super.updateImage(id, when, change, at);
    if (!done || before === undefined) return done;
    const { status = before.status } = change;
    const types = typesOf(before.status, status, change);
    if (!types.some((type) => this.wants(type))) return done;
    const deletedAt = status === 'deleted' ? at : undefined;
    // Of what is deleted its row tells little any more.
    const after = deletedAt === undefined ? await this.image(id) : { ...before, status };
    if (after === undefined) return done;
    for (const type of types) await this.#notify(type, at, () => imagePayload(after, deletedAt));
    return done;
  }

  override async insertMember(member: ImageMember): Promise<void> {
    await super.insertMember(member);
    await this.#notify('image.member.create', member.createdAt, () =>
      memberPayload(member, undefined),
    );
  }

  override async updateMember(
    imageId: string,
    projectId: string,
    change: { readonly status: MemberStatus },
    at: Date,
  ): Promise<boolean> {
    const done = await super.updateMember(imageId, projectId, change, at);
    const member = done ? await this.#member(imageId, projectId) : undefined;
    if (member !== undefined) {
      await this.#notify('image.member.update', at, () => memberPayload(member, undefined));
    }
    return done;
  }

  override async deleteMember(imageId: string, projectId: string): Promise<void> {
    const member = await this.#member(imageId, projectId);
    await super.deleteMember(imageId, projectId);
    const at = new Date();
    if (member === undefined) return;
    await this.#notify('image.member.delete', at, () => memberPayload(member, at));
  }

  override async insertImport(record: ImportRecord, tasks: readonly TaskRecord[]): Promise<void> {
    await super.insertImport(record, tasks);
    await this.#notify('task.create', record.createdAt, () => taskPayload(record));
  }

  override async updateImport(
    id: string,
    when: { readonly state: readonly ImportState[]; readonly epoch?: number },
    change: ImportChange,
  ): Promise<boolean> {
    const done = await super.updateImport(id, when, change);
    const type = change.state === undefined ? undefined : TYPE_OF_IMPORT_STATE[change.state];
    if (!done || type === undefined || !this.wants(type)) return done;
    const record = await this.import(id);
    if (record === undefined) return done;
    const at = change.finishedAt ?? change.startedAt ?? new Date();
    await this.#notify(type, at, () => taskPayload(record));
    return done;
  }

  async tellSent(sent: SentImage): Promise<void> {
    await this.#notify('image.send', sent.at, () => sentPayload(sent));
  }

  async #member(imageId: string, projectId: string): Promise<ImageMember | undefined> {
    return (await this.members(imageId)).find((member) => member.projectId === projectId);
  }

  async #notify(type: string, at: Date, payload: () => JsonObject): Promise<void> {
    if (!this.wants(type)) return;
    await insertNotification(this.sql, { id: randomUUID(), at, type, payload: payload() });
    this.#written += 1;
  }
}

function typesOf(from: ImageStatus, to: ImageStatus, change: ImageChange): readonly string[] {
  if (from !== to) return typesOfStatus(from, to);
  return isUpdate(change) ? ['image.update'] : [];
}

/** What is said of the bytes is told with the status that it leads to. */
const SILENT: ReadonlySet<string> = new Set([
  'status',
  'size',
  'virtualSize',
  'checksum',
  'osHashAlgo',
  'osHashValue',
]);

function isUpdate(change: ImageChange): boolean {
  return Object.keys(change).some((key) => !SILENT.has(key));
}
