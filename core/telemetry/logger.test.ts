import { describe, expect, it } from 'vitest';
import { createLogger } from './logger.js';

function collect(format: 'json' | 'text'): {
  log: ReturnType<typeof createLogger>;
  lines: string[];
} {
  const lines: string[] = [];
  const log = createLogger({ level: 'info', format }, { write: (line) => void lines.push(line) });
  return { log, lines };
}

describe('createLogger', () => {
  it('writes one JSON object for each line, with the facts of its parents', () => {
    const { log, lines } = collect('json');
    log.child({ request_id: 'req-1' }).info('Done', { bytes: 5 });
    log.debug('Not at this level');
    expect(lines.map((line) => JSON.parse(line) as unknown)).toEqual([
      expect.objectContaining({ level: 'info', request_id: 'req-1', bytes: 5, message: 'Done' }),
    ]);
  });

  it('masks secrets by name and inside URLs', () => {
    const { log, lines } = collect('json');
    log.warn('Fetching https://u:hunter2@host/x', {
      headers: { 'X-Auth-Token': 'hunter2', accept: '*/*' },
      url: 'https://host/x?X-Amz-Signature=hunter2&a=b',
      error: new Error('cannot reach s3://key:hunter2@host'),
      list: [{ db_password: 'hunter2' }],
    });
    const text = lines.join('');
    expect(text).not.toContain('hunter2');
    expect(text).toContain('a=b');
    expect(text).toContain('"accept":"*/*"');
  });

  it('writes lines for people, with the stack of an error', () => {
    const { log, lines } = collect('text');
    log.error('It failed', { code: 'X', error: new Error('why', { cause: new Error('deeper') }) });
    const text = lines.join('');
    expect(text).toMatch(/^\S+Z error It failed code=X\n {2}Error: why/);
    expect(text).toContain('\n  caused by: Error: deeper');
  });
});
