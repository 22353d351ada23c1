import { describe, expect, it } from 'vitest';
import type { Config } from '../../../core/config/config.js';
import type { QuotaLimits } from '../../../core/image/quota.js';
import { httpRig } from '../../support/http-rig.js';
import { problemOf } from '../../support/problem.js';

const MIB = 1024 * 1024;

function withQuotas(defaults: QuotaLimits) {
  return (config: Config): Config => ({
    ...config,
    quotas: { source: 'config', defaults, projects: {} },
  });
}

describe('the quota of images', () => {
  it('cannot be raced by requests at once, and is given back with DELETE', async () => {
    await using rig = await httpRig({ config: withQuotas({ image_count_total: 5 }) });
    const create = () => rig.api.call('POST', '/v2/images', { json: { name: 'one of many' } });
    const answers = await Promise.all(Array.from({ length: 20 }, create));
    const made = answers.filter(({ status }) => status === 201);
    expect(made).toHaveLength(5);
    for (const refused of answers.filter((answer) => !made.includes(answer))) {
      expect(problemOf(refused)).toMatchObject({
        status: 413,
        code: 'QUOTA_EXCEEDED',
        message:
          'The project has 5 of the 5 that its quota "image_count_total" allows; this would make 6',
      });
    }
    const { id } = made[0]?.body as { id: string };
    expect((await rig.api.call('DELETE', `/v2/images/${id}`)).status).toBe(204);
    expect((await create()).status).toBe(201);
    expect((await create()).status).toBe(413);
  });
});

describe('GET /v2/info/usage', () => {
  it('tells usage and limit of each quota, in MiB and images', async () => {
    const limits = { image_count_total: 7, image_size_total: 5 * MIB + 1 };
    await using rig = await httpRig({ config: withQuotas(limits) });
    await rig.api.createImage();
    const { status, body } = await rig.api.call('GET', '/v2/info/usage');
    expect({ status, body }).toEqual({
      status: 200,
      body: {
        usage: {
          image_size_total: { usage: 0, limit: 5 },
          image_stage_total: { usage: 0, limit: -1 },
          image_count_total: { usage: 1, limit: 7 },
          image_count_uploading: { usage: 0, limit: -1 },
        },
      },
    });
  });

  it('is empty where there are no quotas', async () => {
    await using rig = await httpRig();
    expect((await rig.api.call('GET', '/v2/info/usage')).body).toEqual({ usage: {} });
  });
});
