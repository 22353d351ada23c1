import { describe, expect, it } from 'vitest';
import { ConflictError } from '../../base/errors.js';
import { presentProblem } from './problem.js';

const error = new ConflictError({ code: 'IMAGE_STATE', message: 'It is "active"', hint: 'Look' });
const problem = {
  status: 409,
  title: 'Conflict',
  request_id: 'req-1',
  class: 'conflict',
  code: 'IMAGE_STATE',
  message: 'It is "active"',
  hint: 'Look',
};

describe('presentProblem', () => {
  it('has the fields of Glance beside its own for clients that ask for JSON', () => {
    expect(presentProblem(error, 409, { requestId: 'req-1', glanceFields: true })).toEqual({
      message: 'It is "active". Look',
      code: '409 Conflict',
      title: 'Conflict',
      error: problem,
    });
  });

  it('has only objects for the others, each with a message', () => {
    expect(presentProblem(error, 409, { requestId: 'req-1', glanceFields: false })).toEqual({
      error: problem,
      hint: { message: 'Look' },
    });
  });

  it('keeps what nobody foresaw to the log', () => {
    const secret = new Error('password is hunter2 at /root/secret');
    const body = presentProblem(secret, 500, { requestId: 'req-1', glanceFields: true });
    expect(JSON.stringify(body)).not.toContain('hunter2');
    expect(body).toMatchObject({ error: { class: 'bug', code: 'INTERNAL' } });
  });
});
