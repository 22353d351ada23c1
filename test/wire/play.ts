import { createHash } from 'node:crypto';
import { setTimeout } from 'node:timers/promises';
import { request } from 'undici';
import { PEOPLE, targetOf, titleOf } from './session.js';
import type { Step } from './session.js';

/** Called with each answer as it came, and what was asked. */
export type Watch = (answer: {
  readonly method: string;
  readonly path: string;
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly text: string;
}) => void;

/** One answer, with everything masked that no two servers could have in common. */
export interface Exchange {
  readonly request: string;
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: unknown;
}

/** Headers that clients read. */
const HEADERS = [
  'accept-patch',
  'accept-ranges',
  'access-control-allow-headers',
  'access-control-allow-methods',
  'access-control-allow-origin',
  'access-control-expose-headers',
  'allow',
  'content-md5',
  'content-range',
  'content-type',
  'location',
  'openstack-image-import-methods',
  'openstack-image-store-ids',
  'www-authenticate',
  'x-openstack-request-id',
];
const UNTIL_MS = 60_000;
const AGAIN_MS = 100;

/**
 * Plays a session against a server, step after step.
 * @param known values for `${name}`; what steps keep joins them
 * @param watch what it throws ends the play
 */
export async function play(
  url: string,
  steps: readonly Step[],
  known: Readonly<Record<string, string>>,
  watch: Watch = () => undefined,
): Promise<readonly Exchange[]> {
  const names = new Map(Object.entries(known));
  const exchanges: Exchange[] = [];
  for (const step of steps) {
    const answer = await askUntil(url, step, names);
    const { status, headers, bytes } = answer;
    watch({ ...targetOf(step), status, headers, text: bytes.toString() });
    for (const [name, where] of Object.entries(step.keep ?? {})) {
      names.set(name, String(at(parsed(answer.bytes), where)));
    }
    exchanges.push(exchange(step, answer, mask(url, names)));
  }
  return exchanges;
}

interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly bytes: Buffer;
}

async function askUntil(
  url: string,
  step: Step,
  names: ReadonlyMap<string, string>,
): Promise<Answer> {
  const deadline = Date.now() + UNTIL_MS;
  for (;;) {
    const answer = await ask(url, step, names);
    const wanted = Object.entries(step.until ?? {});
    const body = parsed(answer.bytes);
    if (wanted.every(([where, value]) => at(body, where) === value)) return answer;
    if (Date.now() > deadline) throw new Error(`${titleOf(step)}: ${answer.bytes.toString()}`);
    await setTimeout(AGAIN_MS);
  }
}

async function ask(url: string, step: Step, names: ReadonlyMap<string, string>): Promise<Answer> {
  const fill = (text: string): string =>
    text.replaceAll(/\$\{(\w+)\}/g, (_, name: string) => names.get(name) ?? `unknown-${name}`);
  const { method, path } = targetOf(step);
  const { type, content } = bodyOf(step);
  const headers = Object.entries({
    accept: 'application/json',
    ...(type === undefined ? {} : { 'content-type': type }),
    ...PEOPLE[step.as],
    ...step.headers,
  }).filter(([, value]) => value !== '');
  const answer = await request(url + encodeURI(fill(path)).replaceAll('%25', '%'), {
    method,
    headers: Object.fromEntries(headers),
    body: typeof content === 'string' ? fill(content) : (content ?? null),
  });
  const bytes = Buffer.from(await answer.body.arrayBuffer());
  return { status: answer.statusCode, headers: answer.headers, bytes };
}

function bodyOf(step: Step): { readonly type?: string; readonly content?: string | Buffer } {
  const json = (value: unknown, type: string) => ({ type, content: JSON.stringify(value) });
  if (step.json !== undefined) return json(step.json, 'application/json');
  for (const [value, version] of [
    [step.patch, '2.1'],
    [step.patch4, '2.0'],
  ] as const) {
    if (value !== undefined) {
      return json(value, `application/openstack-images-v${version}-json-patch`);
    }
  }
  if (step.bytes !== undefined) {
    return { type: 'application/octet-stream', content: Buffer.alloc(step.bytes, 'x') };
  }
  return step.text === undefined ? {} : { content: step.text };
}

function exchange(step: Step, answer: Answer, masked: (text: string) => string): Exchange {
  const headers = HEADERS.flatMap((name) => {
    const value = answer.headers[name];
    return value === undefined ? [] : [[name, masked(normalized(name, [value].flat()))]];
  });
  return {
    request: titleOf(step),
    status: answer.status,
    headers: Object.fromEntries(headers) as Record<string, string>,
    body: presented(answer, masked),
  };
}

/** Lists without an order, and parameters of media types, are written in one way. */
function normalized(name: string, values: readonly string[]): string {
  const text = values.join(', ');
  if (name === 'content-type') return text.toLowerCase().replaceAll(' ', '');
  if (!/^(allow|accept-patch|access-control-.*s)$/.test(name)) return text;
  return text
    .split(',')
    .map((part) => part.trim())
    .sort()
    .join(', ');
}

/** Sentences of errors are each server's own; that they are there is what clients need. */
function presented(answer: Answer, masked: (text: string) => string): unknown {
  const { bytes, status } = answer;
  if (bytes.length === 0) return null;
  const type = String(answer.headers['content-type'] ?? '');
  if (!type.startsWith('application/json')) {
    if (status >= 400) return '<text>';
    const sha256 = createHash('sha256').update(bytes).digest('hex');
    return { bytes: bytes.length, sha256 };
  }
  const body = JSON.parse(masked(bytes.toString())) as unknown;
  if (status < 400 || typeof body !== 'object' || body === null) return body;
  const { message, code, title } = body as Record<string, unknown>;
  return { message: typeof message === 'string' ? '<sentence>' : message, code, title };
}

function mask(url: string, names: ReadonlyMap<string, string>): (text: string) => string {
  return (text) => {
    let masked = text.replaceAll(url, '<server>');
    for (const [name, value] of names) masked = masked.replaceAll(value, `<${name}>`);
    return masked
      .replaceAll(/req-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, '<request>')
      .replaceAll(/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, (id) =>
        id.startsWith('00000000') ? id : '<uuid>',
      )
      .replaceAll(/"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ"/g, '"<time>"')
      .replaceAll(/"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}"/g, '"<time without zone>"');
  };
}

function parsed(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString());
  } catch {
    return undefined;
  }
}

function at(value: unknown, where: string): unknown {
  return where
    .split('.')
    .reduce<unknown>(
      (found, key) =>
        typeof found === 'object' && found !== null
          ? (found as Record<string, unknown>)[key]
          : undefined,
      value,
    );
}
