import type { JsonObject } from '../base/json.js';

/** Structured log. Facts are snake_case or camelCase keys with JSON values; secrets never go in. */
export interface Logger {
  debug(message: string, facts?: JsonObject): void;
  info(message: string, facts?: JsonObject): void;
  warn(message: string, facts?: JsonObject): void;
  error(message: string, facts?: JsonObject): void;
  /** A logger whose every line carries `facts`. */
  child(facts: JsonObject): Logger;
}
export const Logger = Symbol('Logger');
