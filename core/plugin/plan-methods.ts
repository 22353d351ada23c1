import type { MethodEntry } from '../config/config.js';
import type { ImportMethod } from './contract/manifest.js';
import type { LoadedPackage } from './load.js';
import type { PlannedMethod, Planning } from './planning.js';

interface Offer {
  readonly definition: ImportMethod;
  readonly loaded: LoadedPackage;
}

/**
 * Finds who brings each enabled method: the plugin that its entry names, else the one of all loaded
 * and built-in plugins that has it. Methods that clients cannot ask for come without being listed.
 */
export async function planMethods(planning: Planning): Promise<readonly PlannedMethod[]> {
  const offers = (await planning.packages()).flatMap(methodsOf);
  const planned: PlannedMethod[] = [];
  for (const [at, entry] of planning.config.imports.methods.entries()) {
    if (!entry.enabled) continue;
    const place = `imports.methods[${at}]`;
    const offer =
      entry.plugin === undefined
        ? choose(planning, entry, place, offers)
        : await chooseFrom(planning, entry, place, entry.plugin);
    if (offer === undefined) continue;
    const { definition, loaded } = offer;
    const path = `${place}.config`;
    const judged = planning.judge(entry.name, loaded, definition.config, entry.config, path);
    planned.push({ ...offer, config: judged?.config });
  }
  for (const offer of offers.filter(({ definition }) => definition.requestable === false)) {
    const { definition, loaded } = offer;
    if (planned.some((method) => method.definition.name === definition.name)) continue;
    const judged = planning.judge(definition.name, loaded, definition.config, {}, '');
    planned.push({ ...offer, config: judged?.config });
  }
  return planned;
}

function choose(
  planning: Planning,
  { name }: MethodEntry,
  place: string,
  offers: readonly Offer[],
): Offer | undefined {
  const found = offers.filter(({ definition }) => definition.name === name);
  const [only, second] = found;
  if (only !== undefined && second === undefined) return only;
  if (only === undefined) {
    const known = offers
      .filter(({ definition }) => definition.requestable !== false)
      .map(({ definition }) => definition.name)
      .sort();
    planning.add(
      name,
      place,
      'no plugin brings this method',
      `Known are ${known.join(', ')}; one of another package is written { name: ${name}, plugin: '@scope/package' }`,
    );
    return undefined;
  }
  const bringers = found.map(({ loaded }) => `"${loaded.specifier}"`).join(' and ');
  const fix = `Choose one: { name: ${name}, plugin: '${only.loaded.specifier}' }`;
  planning.add(name, place, `it is brought by ${bringers}`, fix);
  return undefined;
}

async function chooseFrom(
  planning: Planning,
  { name }: MethodEntry,
  place: string,
  specifier: string,
): Promise<Offer | undefined> {
  const loaded = await planning.load(specifier, `${place}.plugin`);
  if (loaded === undefined) return undefined;
  const offers = methodsOf(loaded);
  const found = offers.find(({ definition }) => definition.name === name);
  if (found !== undefined) return found;
  const brought = offers.map(({ definition }) => `"${definition.name}"`).join(', ');
  planning.add(
    name,
    place,
    `"${specifier}" brings no method of this name`,
    brought === '' ? 'It brings none at all: remove the entry' : `It brings ${brought}`,
  );
  return undefined;
}

function methodsOf(loaded: LoadedPackage): readonly Offer[] {
  return (loaded.manifest.methods ?? []).map((definition) => ({ definition, loaded }));
}
