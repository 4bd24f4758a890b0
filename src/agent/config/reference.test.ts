import { expect, it } from 'vitest';
import { configReference } from './reference.ts';

it('names the values that a key takes, not the kinds of its schema', () => {
  const page = configReference();
  expect(page).toContain('| `send_proxy` | `0` or `1` or `2` | `0` |');
  expect(page).not.toMatch(/\bliteral\b/);
});
