import type { z } from 'zod';
import type { Image } from '../image/image.js';
import type { Condition } from './config.js';
import { ConditionSettings } from './pipeline-settings.js';
import { present } from './present.js';

/** What a condition of the config looks at. */
export interface ConditionSubject {
  readonly image: Image;
  readonly caller: { readonly projectId: string | null; readonly roles: readonly string[] };
  readonly method: string;
  readonly stores: readonly string[];
  /** Bytes of the data; `undefined` where they are not known. */
  readonly size: number | undefined;
}

/** Schema of a `when` in the config of a plugin, with the keys that a pipeline entry's has. */
export function condition(): z.ZodType<Condition, z.input<typeof ConditionSettings>> {
  return ConditionSettings.transform((settings) => compileCondition(settings) ?? {});
}

/** As it is evaluated; one that asks for nothing is none. */
export function compileCondition(when: ConditionSettings | undefined): Condition | undefined {
  if (when === undefined || Object.keys(when).length === 0) return undefined;
  const { disk_format, container_format, size, property, ...same } = when;
  const values = Object.entries(property ?? {}).map(([name, list]) => [name, list.map(String)]);
  return present<Condition>({
    ...same,
    diskFormat: disk_format,
    containerFormat: container_format,
    size: size === undefined ? undefined : present<{ min: number; max: number }>(size),
    property:
      property === undefined ? undefined : (Object.fromEntries(values) as Record<string, string[]>),
  });
}

/** Why a condition does not hold; `undefined` when it does, or when there is none. */
export function unmetCondition(
  condition: Condition | undefined,
  subject: ConditionSubject,
): string | undefined {
  if (condition === undefined) return undefined;
  const { image, caller } = subject;
  return (
    notAmong('disk_format', condition.diskFormat, [image.diskFormat]) ??
    notAmong('container_format', condition.containerFormat, [image.containerFormat]) ??
    unnamed('project', condition.project, [caller.projectId]) ??
    unnamed('role', condition.role, caller.roles) ??
    notAmong('method', condition.method, [subject.method]) ??
    notAmong('store', condition.store, subject.stores) ??
    notInRange(condition.size, subject.size) ??
    unmetProperty(condition.property, image)
  );
}

function notAmong(
  name: string,
  wanted: readonly string[] | undefined,
  found: readonly (string | null)[],
): string | undefined {
  if (wanted === undefined || isAmong(wanted, found)) return undefined;
  const values = found.filter((value) => value !== null).join(', ');
  return `Its condition asks for ${name} ${wanted.join(' or ')}, this import has ${values === '' ? 'none' : values}`;
}

/** Whoever reads the reason may be told neither other projects' ids nor values of every property. */
function unnamed(
  name: string,
  wanted: readonly string[] | undefined,
  found: readonly (string | null)[],
): string | undefined {
  if (wanted === undefined || isAmong(wanted, found)) return undefined;
  return `Its condition on the ${name} does not hold`;
}

function isAmong(wanted: readonly string[], found: readonly (string | null)[]): boolean {
  return found.some((value) => value !== null && wanted.includes(value));
}

function notInRange(wanted: Condition['size'], size: number | undefined): string | undefined {
  if (wanted === undefined) return undefined;
  const { min = 0, max = Number.MAX_SAFE_INTEGER } = wanted;
  if (size !== undefined && size >= min && size <= max) return undefined;
  return `Its condition asks for a size from ${min} to ${max} bytes, this import has ${size ?? 'none known'}`;
}

function unmetProperty(wanted: Condition['property'], image: Image): string | undefined {
  for (const [name, values] of Object.entries(wanted ?? {})) {
    const reason = unnamed(`property "${name}"`, values, [image.properties[name] ?? null]);
    if (reason !== undefined) return reason;
  }
  return undefined;
}
