import ipaddr from 'ipaddr.js';
import { readPolicy } from '../auth/rules/property-protections.js';
import { isRuleName, RULES } from '../auth/rules/table.js';
import { exactByteSize } from '../base/byte-size.js';
import { exactDuration } from '../base/duration.js';
import { checkImageProperties } from './image-properties.js';
import type { ConditionSettings } from './pipeline-settings.js';
import type { Problem, SettingsPath } from './problem.js';
import { checkRelaxedRules } from './relaxed-rules.js';
import { checkQuotas } from './quotas.js';
import type { Settings } from './settings.js';
import { didYouMean, nearest } from './suggest.js';

/** The sections that are valid by themselves; the others have had their say already. */
export type ValidSections = Partial<Settings>;

/** Rules that join several keys. */
export function checkRules(settings: ValidSections): readonly Problem[] {
  return [
    ...checkAuth(settings),
    ...checkKeystone(settings),
    ...checkPolicy(settings),
    ...checkStores(settings),
    ...checkRelaxedRules(settings.images?.relaxed_rules ?? []),
    ...checkImageProperties(settings.images?.properties ?? {}),
    ...(settings.quotas === undefined ? [] : checkQuotas(settings.quotas, settings.auth)),
    ...checkMethods(settings),
    ...checkPipelines(settings),
    ...checkRetry(settings),
  ];
}

function checkAuth({ auth, server }: ValidSections): readonly Problem[] {
  const problems: Problem[] = [];
  if (auth?.mode === 'none' && auth.trusted !== undefined) {
    problems.push({
      path: ['auth', 'trusted'],
      message: 'has no effect with `mode: none`',
      hint: 'Write `mode: headers` beside it, or remove it',
    });
  }
  if (
    auth?.mode === 'none' &&
    !auth.allow_remote &&
    server !== undefined &&
    !isLoopback(server.host)
  ) {
    problems.push({
      path: ['server', 'host'],
      message: `"${server.host}" can be reached from outside, and auth mode "none" makes every caller an admin`,
      hint: 'Listen on 127.0.0.1, or choose `auth: headers`, or write `auth: { mode: none, allow_remote: true }` where something else guards the port',
    });
  }
  return problems;
}

function checkKeystone({ auth }: ValidSections): readonly Problem[] {
  const { mode, keystone } = auth ?? {};
  if (mode !== 'keystone') {
    const hint = 'Write `mode: keystone` beside it, or remove it';
    const problem = { path: ['auth', 'keystone'], message: `has no effect with \`mode: ${mode}\`` };
    return keystone === undefined ? [] : [{ ...problem, hint }];
  }
  if (keystone === undefined) {
    const hint = 'Write `keystone: { url: …, user: …, password: … }` beside `mode: keystone`';
    return [{ path: ['auth', 'keystone'], message: 'is missing', hint }];
  }
  const problems: Problem[] = [];
  const hasUser = keystone.user !== undefined && keystone.password !== undefined;
  const { application_credential_id: id, application_credential_secret: secret } = keystone;
  if (hasUser === (id !== undefined && secret !== undefined)) {
    problems.push({
      path: ['auth', 'keystone'],
      message: hasUser ? 'has two credentials' : 'has no credential to check tokens with',
      hint: 'Give either `user` and `password`, or `application_credential_id` and `application_credential_secret`',
    });
  }
  if (keystone.outage_time < keystone.cache_time) {
    problems.push({
      path: ['auth', 'keystone', 'outage_time'],
      message: `is less than cache_time (${exactDuration(keystone.cache_time)})`,
      hint: 'Give the same to trust no token longer while Keystone is away',
    });
  }
  return problems;
}

function checkPolicy({ policy = {}, images }: ValidSections): readonly Problem[] {
  const { problems, protectionProblems } = readPolicy(policy, images?.property_protections ?? []);
  return [
    ...problems.map(({ rule, message, hint }) => {
      const near = isRuleName(rule) ? undefined : nearest(rule, Object.keys(RULES));
      return {
        path: ['policy', rule],
        message,
        hint: near === undefined ? hint : `Did you mean "${near}"?`,
      };
    }),
    ...protectionProblems.map(({ index, key, message, hint }) => ({
      path: ['images', 'property_protections', index, key],
      message,
      hint,
    })),
  ];
}

/** Whether only this machine can reach a socket that listens on `host`. */
export function isLoopback(host: string): boolean {
  if (host === 'localhost') return true;
  return ipaddr.isValid(host) && ipaddr.process(host).range() === 'loopback';
}

function checkStores({ stores = [] }: ValidSections): readonly Problem[] {
  const defaults = stores.flatMap((store, index) => (store.default ? [index] : []));
  return [
    ...repeated(stores.map(({ id }) => id)).map(({ index, first, value }) => ({
      path: ['stores', index, 'id'],
      message: `"${value}" is the id of stores[${first}] already`,
      hint: 'Give each store an id of its own',
    })),
    ...defaults.slice(1).map((index) => ({
      path: ['stores', index, 'default'],
      message: `stores[${String(defaults[0])}] is the default already`,
      hint: 'Mark one store as default',
    })),
  ];
}

function checkMethods({ imports }: ValidSections): readonly Problem[] {
  const names = imports?.methods.map(({ name }) => name) ?? [];
  return repeated(names).map(({ index, first, value }) => ({
    path: ['imports', 'methods', index],
    message: `"${value}" stands in methods[${first}] already`,
    hint: 'List each method once',
  }));
}

function checkPipelines({ imports, stores }: ValidSections): readonly Problem[] {
  if (imports === undefined) return [];
  const problems: Problem[] = [];
  if (imports.pipeline !== undefined && imports.pipelines !== undefined) {
    problems.push({
      path: ['imports', 'pipeline'],
      message: 'stands beside `pipelines`',
      hint: 'Keep one of them: move these tasks to the end of `pipelines` as `- tasks: […]`',
    });
  }
  const storeIds = stores?.map(({ id }) => id);
  const lists = [
    ...(imports.pipeline === undefined
      ? []
      : [{ path: ['imports', 'pipeline'] as SettingsPath, tasks: imports.pipeline }]),
    ...(imports.pipelines ?? []).map(({ tasks }, index) => ({
      path: ['imports', 'pipelines', index, 'tasks'],
      tasks,
    })),
  ];
  for (const { path, tasks } of lists) {
    for (const { index, first, value } of repeated(tasks.map(({ id, plugin }) => id ?? plugin))) {
      problems.push({
        path: [...path, index],
        message: `"${value}" is the name of entry ${first} already`,
        hint: 'Give one of them an `id` of its own',
      });
    }
    tasks.forEach(({ when }, index) => {
      problems.push(...checkCondition(when, [...path, index, 'when'], storeIds));
    });
  }
  imports.pipelines?.forEach(({ when }, index, all) => {
    const path: SettingsPath = ['imports', 'pipelines', index];
    problems.push(...checkCondition(when, [...path, 'when'], storeIds));
    if (isUnconditional(when) && index < all.length - 1) {
      problems.push({
        path,
        message: 'takes every import, so the pipelines after it are never used',
        hint: 'Give it a `when`, or move it to the end',
      });
    }
  });
  return problems;
}

function isUnconditional(when: ConditionSettings | undefined): boolean {
  return when === undefined || Object.keys(when).length === 0;
}

function checkCondition(
  when: ConditionSettings | undefined,
  path: SettingsPath,
  storeIds: readonly string[] | undefined,
): readonly Problem[] {
  const problems: Problem[] = [];
  const { min, max } = when?.size ?? {};
  if (min !== undefined && max !== undefined && min > max) {
    problems.push({
      path: [...path, 'size'],
      message: `min (${exactByteSize(min)}) is more than max (${exactByteSize(max)}), so it never holds`,
      hint: 'Exchange them',
    });
  }
  for (const store of when?.store ?? []) {
    if (storeIds === undefined || storeIds.includes(store)) continue;
    const hint = didYouMean(store, storeIds);
    problems.push({
      path: [...path, 'store'],
      message: `no store has the id "${store}"`,
      ...(hint === undefined ? {} : { hint }),
    });
  }
  return problems;
}

function checkRetry({ imports }: ValidSections): readonly Problem[] {
  if (imports === undefined || imports.retry.backoff <= imports.retry.max_backoff) return [];
  return [
    {
      path: ['imports', 'retry', 'max_backoff'],
      message: 'is less than `backoff`',
      hint: 'Raise it, or lower `backoff`',
    },
  ];
}

/** The positions whose value has stood before, with the first position of it. */
function repeated(
  values: readonly string[],
): readonly { readonly index: number; readonly first: number; readonly value: string }[] {
  return values
    .map((value, index) => ({ index, first: values.indexOf(value), value }))
    .filter(({ index, first }) => first < index);
}
