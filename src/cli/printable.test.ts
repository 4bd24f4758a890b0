import { expect, it } from 'vitest';
import { columns } from './columns.ts';
import { printable } from './printable.ts';

it('shows what would steer a terminal instead of doing it', () => {
  expect(printable('a\u001b]0;title\u0007b\u009b2J\r')).toBe('a\\x1b]0;title\\x07b\\x9b2J\\x0d');
  expect(printable('grün → 日本\n\tok')).toBe('grün → 日本\n\tok');
  expect(columns([['a\u001b[2J', 'b']])).toBe('a\\x1b[2J  b\n');
});
