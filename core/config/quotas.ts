import type { Problem } from './problem.js';
import type { Settings } from './settings.js';

/** What is wrong with `quotas`, beside the service that they may come from. */
export function checkQuotas(
  quotas: Settings['quotas'],
  auth: Settings['auth'] | undefined,
): readonly Problem[] {
  const { source, region, projects, ...limits } = quotas;
  if (source === 'config') {
    const message = 'has no effect with `source: config`';
    const hint = 'Write `source: keystone` beside it, or remove it';
    return region === undefined ? [] : [{ path: ['quotas', 'region'], message, hint }];
  }
  const problems: Problem[] = [];
  for (const name of [
    ...Object.keys(limits),
    ...(Object.keys(projects).length > 0 ? ['projects'] : []),
  ]) {
    const message = 'has no effect with `source: keystone`';
    problems.push({ path: ['quotas', name], message, hint: 'Register the limit with Keystone' });
  }
  if (auth !== undefined && auth.keystone?.user === undefined) {
    problems.push({
      path: ['quotas', 'source'],
      message: 'needs a user of Keystone who may read the limits of all projects',
      hint: 'Write `auth: { mode: keystone, keystone: { user: …, password: … } }`, and give the user the role reader in the system',
    });
  }
  return problems;
}
