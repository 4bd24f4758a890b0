import fc from 'fast-check';
import { expect, it } from 'vitest';
import { compareUtf8 } from '../lib/order.ts';
import { Catalog } from './catalog.ts';
import { deregisterService, register } from './commands/register.ts';
import { NODE, serviceRow } from './rows.test-support.ts';
import { ServiceTags, tagsByName } from './service-tags.ts';
import { Transaction } from './transaction.ts';

it('says what looking at all instances says, after any changes', () => {
  const change = fc.record({
    id: fc.constantFrom('1', '2', '3', '4'),
    // The same service in two spellings.
    name: fc.constantFrom('web', 'Web', 'db'),
    tags: fc.subarray(['a', 'b', 'c']),
    gone: fc.boolean(),
    looks: fc.boolean(),
  });
  fc.assert(
    fc.property(fc.array(change, { maxLength: 20 }), (changes) => {
      const catalog = new Catalog((error) => {
        throw error;
      });
      const known = new ServiceTags(catalog);
      for (const { id, name, tags, gone, looks } of changes) {
        const tx = new Transaction(catalog, catalog.index + 1, 0);
        if (gone) deregisterService(tx, 'n', id);
        else register(tx, { node: NODE, service: serviceRow(id, name, tags) });
        if (!tx.isEmpty) catalog.apply(tx.index, tx.writes());
        if (!looks) continue;
        const found = known.all();
        const all = tagsByName(catalog.all('services')).sort(([a], [b]) => compareUtf8(a, b));
        expect(found).toEqual(all);
      }
    }),
  );
});
