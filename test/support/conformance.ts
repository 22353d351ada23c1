import { Ajv2020 } from 'ajv/dist/2020.js';
import type { ValidateFunction } from 'ajv/dist/2020.js';
import formats from 'ajv-formats';
import { OPERATIONS, openApiDocument } from '../../core/http/openapi/document.js';
import type { Answer, Operation } from '../../core/http/openapi/operation.js';

/** One exchange with the server. */
export interface Exchange {
  readonly method: string;
  /** With its query. */
  readonly path: string;
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly text: string;
}

const ajv = new Ajv2020({ strict: false, allErrors: true });
formats.default(ajv);
ajv.addSchema({ $id: 'api', ...openApiDocument([]) });

const validators = new Map<string, ValidateFunction>();

const PATTERNS = OPERATIONS.map((operation) => ({
  operation,
  pattern: new RegExp(`^${operation.path.replaceAll(/\{\w+\}/g, '[^/]+')}$`),
  /** Paths with fewer parameters are meant first. */
  freedom: operation.path.split('{').length,
})).toSorted((one, other) => one.freedom - other.freedom);

/**
 * Holds an answer against the API's document: its status, headers and body.
 * @throws {Error} that says what the document knows nothing of
 */
export function assertConforms(exchange: Exchange): void {
  const problem = problemOf(exchange);
  if (problem === undefined) return;
  const { method, path, status, text } = exchange;
  throw new Error(
    `${method} ${path} answered ${status}, and the API's document ${problem}\n${text.slice(0, 2000)}`,
  );
}

function problemOf(exchange: Exchange): string | undefined {
  const { method, status, text } = exchange;
  const operation = operationOf(exchange);
  if (status >= 400 && operation?.answers[status] === undefined) {
    return method === 'HEAD' ? undefined : bodyProblem(exchange, 'Problem');
  }
  // The answer to a version that there is not, wherever it is named.
  if (status === 300) return bodyProblem(exchange, 'Versions');
  if (operation === undefined) return undefined;
  const answer = operation.answers[status];
  if (answer === undefined) return 'has no such status';
  const missing = Object.keys(answer.headers ?? {}).find(
    (name) => exchange.headers[name.toLowerCase()] === undefined,
  );
  if (missing !== undefined) return `promises the header "${missing}"`;
  return method === 'HEAD' || text === ''
    ? emptyProblem(exchange, answer)
    : typeProblem(exchange, answer);
}

function operationOf({ method, path }: Exchange): Operation | undefined {
  const [pathname = ''] = path.split('?');
  const plain = pathname.replace(/^\/v2\.\d+\//, '/v2/');
  const methods = method === 'HEAD' ? ['head', 'get'] : [method.toLowerCase()];
  return PATTERNS.find(
    ({ operation, pattern }) => methods.includes(operation.method) && pattern.test(plain),
  )?.operation;
}

/** An image may have no bytes. */
function emptyProblem({ method }: Exchange, { json }: Answer): string | undefined {
  return json === undefined || method === 'HEAD' ? undefined : 'promises a body';
}

function typeProblem(exchange: Exchange, { json, type }: Answer): string | undefined {
  const sent = String(exchange.headers['content-type'] ?? '').split(';')[0];
  if (json !== undefined && sent === 'application/json') return bodyProblem(exchange, json);
  return type !== undefined && sent === type ? undefined : `has no body of type "${sent}"`;
}

function bodyProblem({ text }: Exchange, schema: string): string | undefined {
  const validate =
    validators.get(schema) ?? ajv.compile({ $ref: `api#/components/schemas/${schema}` });
  validators.set(schema, validate);
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch {
    return `has a "${schema}" there, which is JSON`;
  }
  return validate(body) ? undefined : `has another "${schema}": ${ajv.errorsText(validate.errors)}`;
}
