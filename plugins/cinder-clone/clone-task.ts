import type {
  Images,
  ImportTask,
  Stores,
  TaskContext,
  TaskResult,
  TaskView,
} from '../../core/api.js';
import { DRIVER } from './cinder-stores.js';

/**
 * Takes over from the store task where an image goes to a store that keeps volumes and is a volume of
 * such a store already: Cinder clones it, and its bytes are not sent. Where that cannot be, the store
 * task sends them.
 */
export class CinderCloneTask implements ImportTask {
  constructor(
    private readonly stores: Stores,
    private readonly images: Images,
  ) {}

  skipReason({ store, request }: TaskView): string | undefined {
    if (store === undefined || this.stores.info(store).driver !== DRIVER) {
      return 'The store keeps no volumes';
    }
    return request.method === 'copy-image' ? undefined : 'The bytes are no volume yet';
  }

  async execute(context: TaskContext): Promise<TaskResult> {
    const { store = '', image } = context;
    const held = await this.images.locations(image.id);
    const source = held.find((location) => this.stores.info(location.store).driver === DRIVER);
    if (source === undefined) {
      return { output: { store, not_cloned: ['The image is in no store that keeps volumes'] } };
    }
    const origin = { image_volume: source.url.split('/').at(-1) ?? '' };
    const { placed, obstacles } = await context.clone({ kind: 'clone', store, origin });
    return { output: { store, cloned: placed !== undefined, not_cloned: obstacles } };
  }
}
