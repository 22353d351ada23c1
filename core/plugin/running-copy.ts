import module from 'node:module';
import * as api from '../api.js';

/**
 * Makes `stowage/plugin` the running server's own copy for every plugin, whatever is installed
 * beside it: errors that a plugin throws are then instances of the classes that the engine knows.
 */
const SPECIFIER = 'stowage/plugin';
const SHARED = Symbol.for('stowage.plugin-api');

type Resolve = (specifier: string, context: object, next: NextResolve) => unknown;
type NextResolve = (specifier: string, context: object) => unknown;

let isInUse = false;

/** Takes effect for imports that come after it. Repeating it is harmless. */
export function useRunningCopy(): void {
  if (isInUse) return;
  isInUse = true;
  Object.defineProperty(globalThis, SHARED, { value: api, configurable: true });
  const url = asModuleUrl(
    `const api = globalThis[Symbol.for(${JSON.stringify(SHARED.description)})];` +
      `export const { ${Object.keys(api).join(', ')} } = api;`,
  );
  const { registerHooks } = module as { registerHooks?: (hooks: { resolve: Resolve }) => void };
  if (registerHooks !== undefined) {
    registerHooks({
      resolve: (specifier, context, next) =>
        specifier === SPECIFIER
          ? { url, format: 'module', shortCircuit: true }
          : next(specifier, context),
    });
    return;
  }
  // Node 20 has no hooks in the thread itself: theirs is another one, which gets source text.
  module.register(
    asModuleUrl(
      `export async function resolve(specifier, context, next) {
        return specifier === ${JSON.stringify(SPECIFIER)}
          ? { url: ${JSON.stringify(url)}, format: 'module', shortCircuit: true }
          : next(specifier, context);
      }`,
    ),
  );
}

function asModuleUrl(source: string): string {
  return `data:text/javascript,${encodeURIComponent(source)}`;
}
