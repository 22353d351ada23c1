import type { Json } from '../../base/json.js';
import type { MethodContext } from '../contract/source.js';
import { anImage } from './an-image.js';
import { silentLog } from './silent-log.js';

/** What a method has at hand, but for what the test says. */
export function methodContext(overrides: Partial<MethodContext> = {}): MethodContext & {
  /** In the order in which they were saved. */
  readonly checkpoints: readonly Json[];
} {
  const checkpoints: Json[] = [];
  return {
    importId: '0e1d2c3b-4a59-4687-9788-796a5b4c3d2e',
    image: anImage({ status: 'queued' }),
    params: {},
    caller: { userId: 'a-user', projectId: 'a-project', roles: ['member'] },
    expectedDigest: undefined,
    resumeFrom: undefined,
    checkpoint: (position) => {
      checkpoints.push(position);
      return Promise.resolve();
    },
    body: undefined,
    signal: new AbortController().signal,
    log: silentLog,
    ...overrides,
    checkpoints,
  };
}
