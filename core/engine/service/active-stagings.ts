import { CancelledError } from '../../base/errors.js';

/** The requests that are bringing bytes into staging, so that a delete and a stop can end them. */
export class ActiveStagings {
  readonly #controllers = new Map<string, AbortController>();

  /** The signal is aborted with the client's, on delete and on stop. */
  begin(
    imageId: string,
    client: AbortSignal,
  ): { readonly signal: AbortSignal; readonly end: () => void } {
    const controller = new AbortController();
    const key = `${imageId} ${crypto.randomUUID()}`;
    this.#controllers.set(key, controller);
    return {
      signal: AbortSignal.any([client, controller.signal]),
      end: () => {
        this.#controllers.delete(key);
      },
    };
  }

  has(imageId: string): boolean {
    return [...this.#controllers.keys()].some((key) => key.startsWith(imageId));
  }

  abort(imageId: string): void {
    for (const [key, controller] of this.#controllers) {
      if (key.startsWith(imageId)) {
        controller.abort(
          new CancelledError({
            code: 'IMAGE_DELETED',
            message: `Image ${imageId} was deleted while its bytes came in`,
          }),
        );
      }
    }
  }
}
