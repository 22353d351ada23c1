import type { Json } from '../base/json.js';
import type { Inspection, StreamInspector } from '../format/inspection.js';
import type { ByteObserver } from '../plugin/contract/task.js';

/** Whoever looks at the bytes on the event loop. */
export interface Watchers {
  readonly inspector: StreamInspector;
  readonly observers: ReadonlyMap<string, ByteObserver>;
  readonly onObserverError?: (key: string, error: unknown) => void;
}

/** Shows the bytes to the inspector and the observers; an observer that throws sees no more of them. */
export class WatcherGroup {
  readonly #inspector: StreamInspector;
  readonly #observers: Map<string, ByteObserver>;
  readonly #onError: (key: string, error: unknown) => void;

  constructor(watchers: Watchers) {
    this.#inspector = watchers.inspector;
    this.#observers = new Map(watchers.observers);
    this.#onError = watchers.onObserverError ?? (() => undefined);
  }

  update(bytes: Uint8Array): void {
    this.#inspector.update(bytes);
    for (const [key, observer] of this.#observers) {
      this.#contained(key, () => {
        observer.update(bytes);
      });
    }
  }

  finish(): { readonly inspection: Inspection; readonly observations: Record<string, Json> } {
    const observations: Record<string, Json> = {};
    for (const [key, observer] of this.#observers) {
      this.#contained(key, () => {
        observations[key] = observer.finish();
      });
    }
    return { inspection: this.#inspector.finish(), observations };
  }

  #contained(key: string, act: () => void): void {
    try {
      act();
    } catch (error) {
      this.#observers.delete(key);
      this.#onError(key, error);
    }
  }
}
