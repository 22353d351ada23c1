import { z } from 'zod';
import type { SettingsPath } from './problem.js';
import { SettingsSchema } from './settings.js';

/** As much of a JSON Schema as this folder reads. */
export type SchemaNode = {
  readonly type?: string | readonly string[];
  readonly format?: string;
  readonly description?: string;
  readonly default?: unknown;
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly properties?: Readonly<Record<string, SchemaNode>>;
  readonly required?: readonly string[];
  readonly items?: SchemaNode;
  readonly anyOf?: readonly SchemaNode[];
  readonly additionalProperties?: boolean | SchemaNode;
};

let made: SchemaNode | undefined;

/** The JSON Schema of the config file, for editors; plugins' own parts are open in it. */
export function settingsJsonSchema(): SchemaNode {
  made ??= makeSchema();
  return made;
}

function makeSchema(): SchemaNode {
  return z.toJSONSchema(SettingsSchema, {
    io: 'input',
    // A bare number is taken only to be refused in the same words as a text without a unit.
    override: ({ jsonSchema }) => {
      if (jsonSchema.format === 'duration') jsonSchema.type = 'string';
    },
  }) as SchemaNode;
}

/** The keys that the schema knows at a place in the settings. */
export function knownKeys(path: SettingsPath): readonly string[] {
  let nodes: readonly SchemaNode[] = [settingsJsonSchema()];
  for (const part of path) {
    nodes = nodes.flatMap(alternatives).flatMap((node) => step(node, part));
  }
  return nodes.flatMap(alternatives).flatMap((node) => Object.keys(node.properties ?? {}));
}

function alternatives(node: SchemaNode): readonly SchemaNode[] {
  return [node, ...(node.anyOf ?? []).flatMap(alternatives)];
}

function step(node: SchemaNode, part: string | number): readonly SchemaNode[] {
  const next = typeof part === 'number' ? node.items : node.properties?.[part];
  return next === undefined ? [] : [next];
}
