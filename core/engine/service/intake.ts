import { randomUUID } from 'node:crypto';
import { inject, injectable } from 'inversify';
import { ConflictError, InvalidInputError, NotFoundError } from '../../base/errors.js';
import type { JsonObject } from '../../base/json.js';
import type { ImportsConfig } from '../../config/config.js';
import type { Image } from '../../image/image.js';
import { Plugins } from '../../plugin/plugins.js';
import type { LoadedMethod } from '../../plugin/plugins.js';
import { StoreRegistry } from '../../store/registry.js';
import { UPLOAD_METHOD, buildFlow } from '../flow/flow.js';
import type { FlowTask, ImportRecord } from '../import.js';
import { newImport, newTask } from '../new-import.js';
import { Quotas } from '../bytes/quotas.js';
import { Journal } from '../journal.js';
import type { JournalEntry } from '../journal.js';
import { Worker } from '../live.js';
import type { Reader } from '../ports.js';
import type { ImportRequest } from '../service.js';
import { checkMethodParams, checkedDigest, targetStores } from './request.js';
import { ImportsConfigToken } from '../settings.js';

/** A request that was found right, with the flow that it leads to. */
export interface Accepted {
  readonly image: Image;
  readonly method: LoadedMethod;
  readonly params: ImportRecord['params'];
  readonly stores: readonly string[];
  readonly flow: readonly FlowTask[];
}

/** Judges requests for imports and makes them durable. */
@injectable()
export class Intake {
  constructor(
    @inject(Journal) private readonly journal: Journal,
    @inject(Plugins) private readonly plugins: Plugins,
    @inject(StoreRegistry) private readonly stores: StoreRegistry,
    @inject(Quotas) private readonly quotas: Quotas,
    @inject(ImportsConfigToken) private readonly config: ImportsConfig,
    @inject(Worker) private readonly worker: Worker,
  ) {}

  /** Everything that can be said of a request without changing anything. */
  async accept(request: ImportRequest): Promise<Accepted> {
    const { imageId, caller } = request;
    const image = await requireImage(this.journal.read, imageId);
    const method = this.#method(request.method);
    const params = await checkMethodParams(method, request.params);
    assertState(image, method);
    assertFormats(image);
    const held = await this.journal.read.locations({ imageId, states: ['active'] });
    const stores = targetStores(request, this.stores, method, held);
    const flow = buildFlow({
      pipelines: this.plugins.pipelines,
      method: method.definition,
      subject: { image, caller, method: request.method, stores, size: undefined },
      config: this.config,
    });
    return { image, method, params, stores, flow };
  }

  /**
   * Records the import, its tasks and the image's new status in one transaction. The same
   * idempotency key answers the import that was begun with it. `facts` of the engine's own are kept
   * with the parameters.
   * @throws {CapacityError} `QUOTA_EXCEEDED`
   */
  async begin(request: ImportRequest, facts: JsonObject = {}): Promise<ImportRecord> {
    const repeated = await this.#repeated(request);
    if (repeated !== undefined) return repeated;
    try {
      return await this.#insert(request, facts);
    } catch (error) {
      // The same request at the same time may have been faster.
      const faster = error instanceof ConflictError ? await this.#repeated(request) : undefined;
      if (faster !== undefined) return faster;
      throw error;
    }
  }

  /**
   * Refuses the methods that are behind other routes.
   * @throws {InvalidInputError} `METHOD_UNKNOWN`
   */
  assertRequestable(name: string): void {
    if (this.#method(name).definition.requestable === false) throw this.#unknownMethod(name);
  }

  async #insert(request: ImportRequest, facts: JsonObject): Promise<ImportRecord> {
    const accepted = await this.accept(request);
    const record = this.#record(request, accepted, facts);
    const quota = await this.quotas.ofProject(accepted.image.owner);
    const insert = async (entry: JournalEntry): Promise<ImportRecord> => {
      const { tx, at, event } = entry;
      const stamped = { ...record, createdAt: at };
      await tx.insertImport(
        stamped,
        record.flow.map((task, position) => newTask(record.id, position, task)),
      );
      await this.#moveImage(entry, record.id, request, accepted);
      await event(record.id, 'import.created', {
        image_id: record.imageId,
        method: record.method,
        stores: record.stores,
      });
      return stamped;
    };
    return this.journal.write((entry) => quota.hold(entry.tx, () => insert(entry)));
  }

  async #repeated({ imageId, idempotencyKey, method }: ImportRequest) {
    if (idempotencyKey === undefined) return undefined;
    const earlier = await this.journal.read.importByIdempotencyKey(imageId, idempotencyKey);
    if (earlier === undefined || earlier.method === method) return earlier;
    throw new ConflictError({
      code: 'IDEMPOTENCY_KEY_REUSED',
      message: `The Idempotency-Key "${idempotencyKey}" was used for an import by "${earlier.method}"`,
      hint: 'Use a new key for a new request',
    });
  }

  /** The image's status follows the import, in the same transaction. */
  async #moveImage(
    { tx, at }: JournalEntry,
    importId: string,
    request: ImportRequest,
    { method, image }: Accepted,
  ): Promise<void> {
    const { definition } = method;
    if (definition.data === 'existing') return;
    const upload = request.method === UPLOAD_METHOD;
    const moved = await tx.updateImage(
      image.id,
      { status: definition.from },
      { status: upload ? 'saving' : 'importing' },
      at,
    );
    if (!moved) {
      assertState(await requireImage(tx, image.id), method);
      throw new ConflictError({
        code: 'IMAGE_STATE',
        message: `Image ${image.id} has changed meanwhile`,
        hint: 'Look at the image and try again',
      });
    }
    if (!definition.from.includes('uploading')) return;
    const staged = await tx.generations({ imageId: image.id, importId: null, states: ['ready'] });
    const [generation] = staged;
    if (generation === undefined) throw nothingStaged(image.id);
    const assigned = await tx.assignGeneration(generation.id, importId);
    if (!assigned) throw nothingStaged(image.id);
  }

  #record(request: ImportRequest, accepted: Accepted, facts: JsonObject): ImportRecord {
    const { caller, checksum } = request;
    const { userId, projectId, roles } = caller;
    return newImport({
      id: randomUUID(),
      imageId: request.imageId,
      method: request.method,
      params: { ...accepted.params, ...facts },
      stores: accepted.stores,
      allStoresMustSucceed: request.allStoresMustSucceed ?? true,
      data: accepted.method.definition.data,
      epoch: this.worker.epoch,
      caller: { userId, projectId, roles },
      requestId: caller.requestId,
      flow: accepted.flow,
      expectedDigest: checksum === undefined ? null : checkedDigest(checksum),
      idempotencyKey: request.idempotencyKey ?? null,
      createdAt: new Date(0),
    });
  }

  #method(name: string): LoadedMethod {
    const method = this.plugins.method(name);
    if (method !== undefined) return method;
    throw this.#unknownMethod(name);
  }

  #unknownMethod(name: string): InvalidInputError {
    const known = this.plugins.methods.filter(({ definition }) => definition.requestable !== false);
    return new InvalidInputError({
      code: 'METHOD_UNKNOWN',
      message: `Unknown import method "${name}"`,
      hint: `The methods here are: ${known.map(({ definition }) => definition.name).join(', ')}`,
    });
  }
}

async function requireImage(read: Reader, id: string): Promise<Image> {
  const image = await read.image(id);
  if (image !== undefined) return image;
  throw new NotFoundError({
    code: 'IMAGE_NOT_FOUND',
    message: `No image ${id}`,
    hint: 'List the images to see which there are',
  });
}

function assertState(image: Image, { definition }: LoadedMethod): void {
  if (definition.from.includes(image.status)) return;
  const running = image.status === 'importing' || image.status === 'saving';
  throw new ConflictError({
    code: running ? 'IMPORT_RUNNING' : 'IMAGE_STATE',
    message: `Image ${image.id} is "${image.status}", "${definition.name}" needs it to be "${definition.from.join('" or "')}"`,
    hint: running ? 'Wait for the running import, or cancel it' : hintFor(image.status),
  });
}

function hintFor(status: string): string {
  switch (status) {
    case 'queued':
      return 'Send the bytes with PUT …/stage first';
    case 'uploading':
      return 'Import the staged bytes with "glance-direct", or create another image';
    default:
      return 'Create another image';
  }
}

function assertFormats({ id, diskFormat, containerFormat }: Image): void {
  if (diskFormat !== null && containerFormat !== null) return;
  throw new ConflictError({
    code: 'FORMATS_UNSET',
    message: `Image ${id} has no ${diskFormat === null ? 'disk_format' : 'container_format'}`,
    hint: 'Set disk_format and container_format before the data comes',
  });
}

function nothingStaged(imageId: string): ConflictError {
  return new ConflictError({
    code: 'NOTHING_STAGED',
    message: `Image ${imageId} has no complete staged data`,
    hint: 'Wait for PUT …/stage to end, or send the bytes again',
  });
}
