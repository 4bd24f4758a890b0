import fc from 'fast-check';
import { expect, it } from 'vitest';
import { serviceRow } from './rows.test-support.ts';
import { Table } from './table.ts';

it('counts what it lists, and has all rows in any order', () => {
  const step = fc.record({
    id: fc.nat(8),
    name: fc.option(fc.constantFrom('web', 'db'), { nil: undefined }),
  });
  fc.assert(
    fc.property(fc.array(step), (steps) => {
      const table = new Table('services');
      for (const { id, name } of steps) {
        const row = { ...serviceRow(`${id}`, name ?? ''), node: 'n', createIndex: 1, modifyIndex: 1 };
        table.set(`${id}`, name === undefined ? undefined : row);
      }
      for (const name of ['web', 'db', 'none'])
        expect(table.count('name', name)).toBe(table.list('name', name).length);
      expect(new Set(table.unordered())).toEqual(new Set(table.all()));
    }),
  );
});
