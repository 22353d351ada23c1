import { readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { parse } from 'yaml';
import { z } from 'zod';

const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'] as const;
export type Method = (typeof METHODS)[number];

/** Who can ask, and the headers by which the server knows them. */
export const PEOPLE = {
  ada: identity('wire-one', 'member,reader'),
  reader: identity('wire-one', 'reader'),
  bob: identity('wire-two', 'member,reader'),
  eve: identity('wire-three', 'member,reader'),
  cleo: identity('wire-cleo', 'member,reader'),
  root: identity('wire-ops', 'admin,member,reader'),
  nobody: {},
} as const satisfies Record<string, Readonly<Record<string, string>>>;
export type Person = keyof typeof PEOPLE;

const values = z.record(z.string(), z.string());
const STEP = z
  .strictObject({
    as: z.enum(Object.keys(PEOPLE) as [Person, ...Person[]]).default('ada'),
    ...(Object.fromEntries(METHODS.map((method) => [method, z.string().optional()])) as Record<
      Method,
      z.ZodOptional<z.ZodString>
    >),
    headers: values.default({}),
    json: z.unknown().optional(),
    /** A patch of RFC 6902, of its fourth draft. */
    patch: z.unknown().optional(),
    patch4: z.unknown().optional(),
    text: z.string().optional(),
    /** That many bytes of data. */
    bytes: z.number().optional(),
    /** Values of the answer to keep, as paths, for `${name}` in later steps. */
    keep: values.optional(),
    /** Ask again until the answer says so. */
    until: values.optional(),
  })
  .refine((step) => METHODS.filter((method) => step[method] !== undefined).length === 1, {
    message: 'A step has one method',
  });
export type Step = z.output<typeof STEP>;

/** The whole session, in order: every file of the folder `session`. */
export function session(): readonly Step[] {
  const folder = path.join(import.meta.dirname, 'session');
  return readdirSync(folder)
    .sort()
    .flatMap((file) => z.array(STEP).parse(parse(readFileSync(path.join(folder, file), 'utf8'))));
}

export function targetOf(step: Step): { readonly method: Method; readonly path: string } {
  for (const method of METHODS) {
    const target = step[method];
    if (target !== undefined) return { method, path: target };
  }
  throw new Error('A step has one method');
}

/** How a step is named, before anything is filled in. */
export function titleOf(step: Step): string {
  const { method, path: target } = targetOf(step);
  const what = step.json ?? step.patch ?? step.patch4 ?? step.text ?? step.bytes;
  const body = what === undefined ? '' : ` ${JSON.stringify(what)}`;
  const headers = Object.entries(step.headers).map(([name, value]) => ` ${name}: ${value}`);
  return `${step.as} ${method} ${target}${headers.join('')}${body}`;
}

function identity(project: string, roles: string): Readonly<Record<string, string>> {
  return {
    'x-identity-status': 'Confirmed',
    'x-user-id': `user-of-${project}`,
    'x-project-id': project,
    'x-roles': roles,
  };
}
