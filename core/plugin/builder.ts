import { PermanentError, describeFailure } from '../base/errors.js';
import type { Config } from '../config/config.js';
import { StoreRegistry } from '../store/registry.js';
import { construct } from './construct.js';
import type { ServiceBindings, ServiceOwner } from './construct.js';
import type { Stores } from './contract/services.js';
import type { ImportTask } from './contract/task.js';
import type { ServiceToken } from './contract/token.js';
import type { PluginFault } from './fault.js';
import type { LoadedPackage } from './load.js';
import type { PluginPlan } from './plan.js';
import type { PlannedTask } from './planning.js';
import type { LoadedMethod } from './plugins.js';

/**
 * Makes the services of one owner. `stores` may be called once all stores are constructed, which
 * is after the constructors of the stores themselves.
 */
export type ServicesFor = (owner: ServiceOwner, stores: () => StoreRegistry) => ServiceBindings;

export interface BuiltTask {
  readonly planned: PlannedTask;
  readonly task: ImportTask;
}

/** Constructs plugin classes; one that throws is a fault. */
export class Builder {
  readonly faults: PluginFault[] = [];
  readonly #config: Config;
  readonly #services: ServicesFor;
  readonly #late = new LateStores();

  constructor(config: Config, services: ServicesFor) {
    this.#config = config;
    this.#services = services;
  }

  stores({ stores }: PluginPlan): StoreRegistry {
    const registered = stores.flatMap(({ store, definition, loaded, config }) => {
      const { id, description, isDefault } = store;
      const { driver, readOnly = false, schemes = [], inject = [] } = definition;
      const { registersUnread = false } = definition;
      const owner: ServiceOwner = { plugin: loaded.manifest.name, kind: 'store', id };
      const made = this.#try(loaded, id, () => this.build(definition.store, inject, config, owner));
      const info = { id, driver, description, isDefault, readOnly, schemes, registersUnread };
      return made === undefined ? [] : [{ info, store: made }];
    });
    return this.#late.become(new StoreRegistry(registered));
  }

  methods({ methods }: PluginPlan): readonly LoadedMethod[] {
    return methods.flatMap(({ definition, loaded, config }) => {
      const { name, inject = [] } = definition;
      const owner: ServiceOwner = { plugin: loaded.manifest.name, kind: 'method', id: name };
      const source = this.#try(loaded, name, () =>
        this.build(definition.source, inject, config, owner),
      );
      return source === undefined ? [] : [{ definition, source }];
    });
  }

  /** The tasks of all pipelines: made at start, so that a constructor that throws shows there. */
  tasks({ pipelines }: PluginPlan): readonly BuiltTask[] {
    return pipelines
      .flatMap(({ tasks }) => tasks)
      .flatMap((planned) => {
        const { entry, loaded, config } = planned;
        const task = this.#try(loaded, entry.id, () => this.task(loaded, entry.id, config));
        return task === undefined ? [] : [{ planned, task }];
      });
  }

  task({ manifest }: LoadedPackage, entry: string, config: unknown): ImportTask {
    if (manifest.task === undefined) {
      throw new PermanentError({
        code: 'PLUGIN_GONE',
        message: `Plugin "${manifest.name}" brings no task any more`,
        hint: 'Install the version with which the import began, or start the import again',
      });
    }
    const owner: ServiceOwner = { plugin: manifest.name, kind: 'task', id: entry };
    return this.build(manifest.task, manifest.inject ?? [], config, owner);
  }

  build<T>(
    target: new (...services: never[]) => T,
    inject: readonly ServiceToken<unknown>[],
    config: unknown,
    owner: ServiceOwner,
  ): T {
    const { dataDir, images } = this.#config;
    const site = { dataDir, id: owner.id, maxProperties: images.maxProperties };
    const services = this.#services(owner, () => this.#late.registry());
    return construct({ target, inject, config, site, services, stores: this.#late });
  }

  #try<T>({ specifier, file }: LoadedPackage, name: string, make: () => T): T | undefined {
    try {
      return make();
    } catch (error) {
      this.faults.push({
        name,
        file,
        path: '',
        problem: `its constructor failed: ${describeFailure(error).message}`,
        fix: `Report this to the author of "${specifier}"; constructors must not do anything that can fail`,
      });
      return undefined;
    }
  }
}

/** The stores as their own drivers may know them: by the time of the first call they are there. */
class LateStores implements Stores {
  #registry: StoreRegistry | undefined;

  become(registry: StoreRegistry): StoreRegistry {
    this.#registry = registry;
    return registry;
  }

  registry(): StoreRegistry {
    if (this.#registry !== undefined) return this.#registry;
    throw new Error('The stores cannot be used in a constructor');
  }

  list(): ReturnType<Stores['list']> {
    return this.registry().list();
  }

  info(id: string): ReturnType<Stores['info']> {
    return this.registry().info(id);
  }

  stat(id: string, url: string): ReturnType<Stores['stat']> {
    return this.registry().stat(id, url);
  }
}
