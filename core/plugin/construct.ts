import 'reflect-metadata';
import { Container } from 'inversify';
import type { Clock } from '../base/clock.js';
import { PluginConfig, PluginSite } from './contract/manifest.js';
import {
  Files,
  GuardedFetch,
  Identity,
  Images,
  Metrics,
  PluginClock,
  PluginLog,
  PluginState,
  Programs,
  QemuImg,
  Stores,
} from './contract/services.js';
import type { ServiceToken } from './contract/token.js';

/** What is being constructed, so that a service can be made for it. */
export interface ServiceOwner {
  /** Name of the plugin in its manifest. */
  readonly plugin: string;
  readonly kind: 'task' | 'method' | 'store';
  /** The entry's id, the method's name or the store's id. */
  readonly id: string;
}

/** The services that the server offers to one owner; {@link Stores} comes from the host itself. */
export interface ServiceBindings {
  readonly log: PluginLog;
  readonly metrics: Metrics;
  readonly state: PluginState;
  readonly images: Images;
  readonly programs: Programs;
  readonly qemuImg: QemuImg;
  readonly fetch: GuardedFetch;
  readonly identity: Identity;
  readonly files: Files;
  readonly clock: Clock;
}

export interface Construction<T> {
  readonly target: new (...services: never[]) => T;
  readonly inject: readonly ServiceToken<unknown>[];
  readonly config: unknown;
  readonly site: PluginSite;
  readonly stores: Stores;
  readonly services: ServiceBindings;
}

/** Constructs a plugin's class in a container of its own, with its services in `inject` order. */
export function construct<T>(construction: Construction<T>): T {
  const { target: Target, inject, config, site, stores, services } = construction;
  const container = new Container({ defaultScope: 'Singleton' });
  const bind = <S>({ symbol }: ServiceToken<S>, service: S): void => {
    container.bind<S>(symbol).toConstantValue(service);
  };
  bind<unknown>(PluginConfig, config);
  bind(PluginSite, site);
  bind(Stores, stores);
  bind(PluginLog, services.log);
  bind(Metrics, services.metrics);
  bind(PluginState, services.state);
  bind(Images, services.images);
  bind(Programs, services.programs);
  bind(QemuImg, services.qemuImg);
  bind(GuardedFetch, services.fetch);
  bind(Identity, services.identity);
  bind(Files, services.files);
  bind(PluginClock, services.clock);
  const self = Symbol(Target.name);
  container
    .bind<T>(self)
    // The tokens name the parameters; `definePlugin` has let the compiler compare them.
    .toResolvedValue(
      (...resolved: unknown[]) => new Target(...(resolved as never[])),
      [...inject.map(({ symbol }) => symbol)],
    );
  return container.get<T>(self);
}
