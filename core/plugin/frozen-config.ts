import type { Json, JsonObject } from '../base/json.js';
import { Secret } from '../base/secret.js';

/**
 * Validated plugin config on its way into a row and back. A row holds everything but secrets: each
 * leaves a mark, and the value comes from the current config when the task is constructed again.
 */
const MARK = '$secret';

/** A value that would not come back from a row as it went in. */
export class NotJsonError extends Error {
  constructor(readonly path: readonly (string | number)[]) {
    super('not a JSON value');
  }
}

/**
 * Copies a config with a mark for each secret.
 * @throws {NotJsonError} when it holds anything but JSON values and secrets
 */
export function freezeConfig(config: unknown): JsonObject {
  const frozen = freeze(config, []);
  if (!isObject(frozen)) throw new NotJsonError([]);
  return frozen;
}

function freeze(value: unknown, path: readonly (string | number)[]): Json {
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return value;
  if (typeof value === 'number' && Number.isFinite(value)) return value;
  if (value instanceof Secret) return { [MARK]: true };
  if (Array.isArray(value)) return value.map((member, at) => freeze(member, [...path, at]));
  if (typeof value !== 'object' || !isPlain(value)) throw new NotJsonError(path);
  const members = Object.entries(value).filter(([, member]) => member !== undefined);
  return Object.fromEntries(members.map(([key, member]) => [key, freeze(member, [...path, key])]));
}

/** A place where a secret was left out and the current config has none to put there. */
export class SecretGoneError extends Error {
  constructor(readonly path: readonly (string | number)[]) {
    super('no secret');
  }
}

/**
 * Puts the secrets of the current config back where the frozen one has marks.
 * @throws {SecretGoneError}
 */
export function thawConfig(frozen: Json | undefined, current: unknown): unknown {
  return thaw(frozen, current, []);
}

function thaw(
  frozen: Json | undefined,
  current: unknown,
  path: readonly (string | number)[],
): unknown {
  if (typeof frozen !== 'object' || frozen === null) return frozen;
  if (isList(frozen)) {
    return frozen.map((member, at) =>
      thaw(member, Array.isArray(current) ? current[at] : undefined, [...path, at]),
    );
  }
  if (frozen[MARK] === true) {
    if (current instanceof Secret) return current;
    throw new SecretGoneError(path);
  }
  const beside = typeof current === 'object' && current !== null ? current : {};
  return Object.fromEntries(
    Object.entries(frozen).map(([key, member]) => [
      key,
      thaw(member, (beside as Readonly<Record<string, unknown>>)[key], [...path, key]),
    ]),
  );
}

function isObject(value: Json): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isList(value: Json): value is readonly Json[] {
  return Array.isArray(value);
}

function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}
