import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { describeJsonIssues } from './json-issues.js';

function issues(schema: z.ZodType, value: unknown, base?: string): readonly string[] {
  const { error } = schema.safeParse(value);
  return error === undefined ? [] : describeJsonIssues(error, value, base);
}

describe('describeJsonIssues', () => {
  const schema = z.strictObject({
    uri: z.string(),
    format: z.enum(['raw', 'iso']).optional(),
    sizes: z.array(z.int()).optional(),
  });

  it('says what was expected and what was found, with the place', () => {
    expect(issues(schema, { format: 'floppy', sizes: [1, 'x'], a: 1, b: 2 }, 'method')).toEqual([
      'method.uri: expected a text, found nothing',
      'method.format: expected one of "raw", "iso", found "floppy"',
      'method.sizes.1: expected a number, found "x"',
      'method: unknown key "a"',
      'method: unknown key "b"',
    ]);
    expect(issues(schema, null)).toEqual(['expected an object, found null']);
    expect(issues(schema, [])).toEqual(['expected an object, found an array']);
    expect(issues(schema, { uri: {} })).toEqual(['uri: expected a text, found an object']);
  });

  it('shortens long values', () => {
    const [issue = ''] = issues(z.enum(['a']), 'x'.repeat(1000));
    expect(issue.length).toBeLessThan(120);
  });
});
