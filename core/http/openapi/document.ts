import { z } from 'zod';
import type { JsonObject } from '../../base/json.js';
import type { ImportMethod } from '../../plugin/contract/manifest.js';
import { NEWEST_SERVED } from '../presenters/versions.js';
import { ANSWER_SCHEMAS, BODY_SCHEMAS } from './components.js';
import { DATA_OPERATIONS } from './data.js';
import { IMAGE_OPERATIONS } from './images.js';
import { IMPORT_OPERATIONS } from './imports.js';
import type { Answer, Body, Operation, Parameter, Tag } from './operation.js';
import { PATH_PARAMETERS } from './parameters.js';
import { SERVER_OPERATIONS } from './server.js';
import { SHARING_OPERATIONS } from './sharing.js';
import { STORE_OPERATIONS } from './stores.js';
import { TASK_OPERATIONS } from './tasks.js';

export const OPERATIONS: readonly Operation[] = [
  ...IMAGE_OPERATIONS,
  ...DATA_OPERATIONS,
  ...SHARING_OPERATIONS,
  ...STORE_OPERATIONS,
  ...IMPORT_OPERATIONS,
  ...TASK_OPERATIONS,
  ...SERVER_OPERATIONS,
];

const TAGS: Readonly<Record<Tag, string>> = {
  Images: 'Records of images',
  Data: 'Bytes of images',
  Sharing: 'Whom images are shared with',
  Stores: 'Where bytes are',
  Imports: 'How bytes come in; what is below /stowage is Stowage’s own',
  Tasks: 'Imports as the Image API shows them',
  Server: 'What the server is and can do',
};

const JSON_TYPE = 'application/json';

/**
 * The OpenAPI 3.1 description of every route, made of the schemas that validate bodies and that type
 * answers. (Specification: OpenAPI 3.1.1, 4.8.)
 * @param methods the import methods that a client may ask for, with what each takes
 */
export function openApiDocument(methods: readonly ImportMethod[]): JsonObject {
  return {
    openapi: '3.1.1',
    info: {
      title: 'Stowage',
      summary: 'The OpenStack Image API v2, and the imports behind it',
      version: NEWEST_SERVED,
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url: '/' }],
    security: [{ token: [] }],
    tags: Object.entries(TAGS).map(([name, description]) => ({ name, description })),
    paths: pathsOf(OPERATIONS),
    components: {
      securitySchemes: {
        token: {
          type: 'apiKey',
          in: 'header',
          name: 'X-Auth-Token',
          description: 'Token of Keystone, where the server asks for one',
        },
      },
      responses: {
        Problem: {
          description: 'What went wrong, and what can be done; "code" never changes its meaning',
          content: { [JSON_TYPE]: { schema: reference('Problem') } },
        },
      },
      schemas: { ...answerSchemas(), ...bodySchemas(methods) },
    },
  };
}

function pathsOf(operations: readonly Operation[]): JsonObject {
  const paths = new Set(operations.map(({ path }) => path));
  return Object.fromEntries(
    [...paths].map((path) => [
      path,
      {
        ...parametersOf(pathParameters(path), 'path'),
        ...Object.fromEntries(
          operations
            .filter((operation) => operation.path === path)
            .map((operation) => [operation.method, describe(operation)]),
        ),
      },
    ]),
  );
}

function pathParameters(path: string): readonly Parameter[] {
  return [...path.matchAll(/\{(\w+)\}/g)].map(([, name = '']) => {
    const parameter = PATH_PARAMETERS[name];
    if (parameter === undefined) throw new Error(`The document does not describe {${name}}`);
    return { name, ...parameter, isRequired: true };
  });
}

function describe(operation: Operation): JsonObject {
  const { id, summary, tag, query = [], headers = [], body, answers } = operation;
  return {
    operationId: id,
    summary,
    tags: [tag],
    ...(operation.isOpen === true ? { security: [] } : {}),
    ...parametersOf(query, 'query', parametersOf(headers, 'header')),
    ...(body === undefined ? {} : { requestBody: describeBody(body) }),
    responses: {
      ...Object.fromEntries(
        Object.entries(answers).map(([status, answer]) => [status, describeAnswer(answer)]),
      ),
      default: { $ref: '#/components/responses/Problem' },
    },
  };
}

function parametersOf(
  parameters: readonly Parameter[],
  place: 'path' | 'query' | 'header',
  { parameters: others = [] }: { readonly parameters?: readonly JsonObject[] } = {},
): { readonly parameters?: readonly JsonObject[] } {
  const described = [
    ...parameters.map(({ name, description, schema, isRequired, isRepeated, isFree }) => ({
      name,
      in: place,
      description,
      ...(isRequired === true ? { required: true } : {}),
      ...(isFree === true ? { style: 'form', explode: true } : {}),
      schema: isRepeated === true ? { type: 'array', items: toJson(schema) } : toJson(schema),
    })),
    ...others,
  ];
  return described.length === 0 ? {} : { parameters: described };
}

function describeBody(body: Body): JsonObject {
  if ('bytes' in body) return { required: true, content: { [body.bytes]: {} } };
  const content = { schema: reference(body.json) };
  const types = body.types ?? [JSON_TYPE];
  return { required: true, content: Object.fromEntries(types.map((type) => [type, content])) };
}

function describeAnswer({ description, json, type, headers }: Answer): JsonObject {
  const content = {
    ...(json === undefined ? {} : { [JSON_TYPE]: { schema: reference(json) } }),
    ...(type === undefined ? {} : { [type]: {} }),
  };
  return {
    description,
    ...(headers === undefined ? {} : { headers: describeHeaders(headers) }),
    ...(Object.keys(content).length === 0 ? {} : { content }),
  };
}

function describeHeaders(headers: Readonly<Record<string, string>>): JsonObject {
  return Object.fromEntries(
    Object.entries(headers).map(([name, description]) => [
      name,
      { description, required: true, schema: { type: 'string' } },
    ]),
  );
}

function answerSchemas(): JsonObject {
  return components(ANSWER_SCHEMAS, 'output');
}

function bodySchemas(methods: readonly ImportMethod[]): JsonObject {
  const schemas = components(BODY_SCHEMAS, 'input');
  if (methods.length === 0) return schemas;
  const generic = schemas['NewImport'];
  const properties = generic?.['properties'] as JsonObject | undefined;
  const method = { oneOf: methods.map(methodSchema) };
  return { ...schemas, NewImport: { ...generic, properties: { ...properties, method } } };
}

/** What stands beside the name of a method is validated by the method's own schema. */
function methodSchema({ name, description, params }: ImportMethod): JsonObject {
  const own = toJson(params);
  const { properties = {}, required = [] } = own as {
    readonly properties?: JsonObject;
    readonly required?: readonly string[];
  };
  return {
    ...own,
    description,
    type: 'object',
    properties: { name: { const: name }, ...properties },
    required: ['name', ...required],
  };
}

type Override = NonNullable<NonNullable<Parameters<typeof z.toJSONSchema>[1]>['override']>;

/** Leaves out what a format says already, and what holds of every value of the API. */
const plain: Override = ({ jsonSchema }) => {
  if (jsonSchema.format !== undefined) delete jsonSchema.pattern;
  if (jsonSchema.maximum === Number.MAX_SAFE_INTEGER) delete jsonSchema.maximum;
  delete jsonSchema.readOnly;
};

/** Schemas of one kind, which refer to each other by their names. */
function components(
  named: Readonly<Record<string, z.ZodType>>,
  io: 'input' | 'output',
): Record<string, JsonObject> {
  const registry = z.registry<{ id: string }>();
  for (const [id, schema] of Object.entries(named)) registry.add(schema, { id });
  const { schemas } = z.toJSONSchema(registry, {
    io,
    uri: uriOf,
    unrepresentable: 'any',
    override: plain,
  });
  return Object.fromEntries(
    Object.entries(schemas).map(([id, schema]) => [id, withoutIdentity(schema as JsonObject)]),
  );
}

function toJson(schema: z.ZodType): JsonObject {
  const json = z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any', override: plain });
  return withoutIdentity(json as JsonObject);
}

/** The document says once for all which JSON Schema it speaks, and names its parts by their place. */
function withoutIdentity(schema: JsonObject): JsonObject {
  const identity = ['$schema', '$id', 'id'];
  return Object.fromEntries(Object.entries(schema).filter(([key]) => !identity.includes(key)));
}

function reference(name: string): JsonObject {
  return { $ref: uriOf(name) };
}

function uriOf(name: string): string {
  return `#/components/schemas/${name}`;
}
