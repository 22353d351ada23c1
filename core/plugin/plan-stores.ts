import type { StoreConfig } from '../config/config.js';
import type { StoreDriver } from './contract/manifest.js';
import type { LoadedPackage } from './load.js';
import type { PlannedStore, Planning } from './planning.js';
import { parseSpecifier } from './specifier.js';

interface Offer {
  readonly definition: StoreDriver;
  readonly loaded: LoadedPackage;
}

/**
 * Finds the driver of each store. `driver` is the name of one that a built-in or loaded plugin
 * brings, or the specifier of a plugin that brings exactly one.
 */
export async function planStores(planning: Planning): Promise<readonly PlannedStore[]> {
  const { stores } = planning.config;
  const named = new Map<StoreConfig, LoadedPackage>();
  for (const [at, store] of stores.entries()) {
    if (!isSpecifier(store.driver)) continue;
    const loaded = await planning.load(store.driver, `stores[${at}].driver`);
    if (loaded !== undefined) named.set(store, loaded);
  }
  const offers = (await planning.packages()).flatMap(driversOf);
  return stores.flatMap((store, at): readonly PlannedStore[] => {
    const loaded = named.get(store);
    if (isSpecifier(store.driver) && loaded === undefined) return [];
    const offer = loaded
      ? onlyDriver(planning, store, at, loaded)
      : driverByName(planning, store, at, offers);
    if (offer === undefined) return [];
    const { definition } = offer;
    const place = `stores[${at}]`;
    const judged = planning.judge(store.id, offer.loaded, definition.config, store.config, place);
    return [{ store, ...offer, config: judged?.config }];
  });
}

function onlyDriver(
  planning: Planning,
  store: StoreConfig,
  at: number,
  loaded: LoadedPackage,
): Offer | undefined {
  const [only, second] = driversOf(loaded);
  if (only !== undefined && second === undefined) return only;
  const names = driversOf(loaded).map(({ definition }) => definition.driver);
  planning.add(
    store.id,
    `stores[${at}].driver`,
    only === undefined ? 'the plugin brings no store' : 'the plugin brings several stores',
    only === undefined
      ? 'Name a plugin that brings a store'
      : `List the plugin for one of its methods or tasks and name the driver: ${names.join(', ')}`,
  );
  return undefined;
}

function driverByName(
  planning: Planning,
  store: StoreConfig,
  at: number,
  offers: readonly Offer[],
): Offer | undefined {
  const found = offers.filter(({ definition }) => definition.driver === store.driver);
  const [only, second] = found;
  if (only !== undefined && second === undefined) return only;
  const place = `stores[${at}].driver`;
  if (only === undefined) {
    const known = [...new Set(offers.map(({ definition }) => definition.driver))].sort();
    planning.add(
      store.id,
      place,
      `no plugin brings the driver "${store.driver}"`,
      `Known are ${known.join(', ')}; that of another package is written as its specifier: driver: '@scope/package'`,
    );
    return undefined;
  }
  const bringers = found.map(({ loaded }) => `"${loaded.specifier}"`).join(' and ');
  const fix = `Name the plugin instead: driver: '${only.loaded.specifier}'`;
  planning.add(store.id, place, `"${store.driver}" is brought by ${bringers}`, fix);
  return undefined;
}

function driversOf(loaded: LoadedPackage): readonly Offer[] {
  return (loaded.manifest.stores ?? []).map((definition) => ({ definition, loaded }));
}

/** A bare word is the name of a driver, even where a built-in plugin has the same name. */
function isSpecifier(driver: string): boolean {
  const { kind } = parseSpecifier(driver);
  return kind === 'package' || kind === 'path';
}
