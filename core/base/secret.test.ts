import { format, inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import { Secret } from './secret.js';

describe('Secret', () => {
  const secret = new Secret('hunter2');

  it('gives its value to who asks for it', () => {
    expect(secret.reveal()).toBe('hunter2');
  });

  it('does not show it in text, JSON or inspection', () => {
    const shown = [
      String(secret),
      JSON.stringify({ secret }),
      inspect({ secret }, { showHidden: true }),
      format('%o', secret),
      JSON.stringify(Object.entries(secret)),
    ].join();
    expect(shown).not.toContain('hunter2');
    expect(shown).toContain('[secret]');
  });
});
