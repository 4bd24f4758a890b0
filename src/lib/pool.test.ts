import { expect, it } from 'vitest';
import { Pool } from './pool.ts';

it('keeps what is asked for, and lets go of what is not', () => {
  const pool = new Pool<object>(10);
  const used = {};
  pool.set('used', used);
  for (let i = 0; i < 100; i++) {
    pool.set(`other-${i}`, {});
    expect(pool.get('used')).toBe(used);
  }
  expect(pool.get('other-99')).toBeDefined();
  expect(pool.get('other-50')).toBeUndefined();
});
