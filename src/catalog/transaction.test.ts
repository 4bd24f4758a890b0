import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Catalog } from './catalog.ts';
import { fold } from './tables.ts';
import { Transaction } from './transaction.ts';

const fail = (error: unknown) => {
  throw error;
};

const service = (node: string, id: string, name: string) => ({
  node,
  id,
  name,
  kind: '',
  tags: [],
  address: '',
  taggedAddresses: null,
  meta: null,
  port: 80,
  socketPath: '',
  weights: { passing: 1, warning: 1 },
  enableTagOverride: false,
});

interface Step {
  node: string;
  id: string;
  name: string;
  remove: boolean;
}

const name = fc.constantFrom('a', 'A', 'b', 'ä', 'web', 'Web');
const step = fc.record({ node: name, id: fc.constantFrom('1', '2', '3'), name, remove: fc.boolean() });
const steps = fc.array(step, { maxLength: 12 });

/** Does to `tx` what `list` says, and the same to a plain map. */
function play(tx: Transaction, model: Map<string, { node: string; id: string; name: string }>, list: Step[]) {
  for (const { node, id, name, remove } of list) {
    const key = `${fold(node)}\u0000${id}`;
    if (remove) {
      expect(tx.delete('services', key)).toBe(model.delete(key));
    } else {
      tx.put('services', service(node, id, name));
      model.set(key, { node, id, name });
    }
  }
}

describe('a transaction', () => {
  it('sees what a plain map would have, by key and by every index, nested and once applied', () => {
    fc.assert(
      fc.property(steps, steps, steps, (first, second, third) => {
        const catalog = new Catalog(fail);
        const model = new Map<string, { node: string; id: string; name: string }>();
        const base = new Transaction(catalog, 1);
        play(base, model, first);
        if (!base.isEmpty) catalog.apply(1, base.writes());
        const outer = new Transaction(catalog, 2);
        play(outer, model, second);
        const inner = new Transaction(outer, 3);
        play(inner, model, third);

        const check = (reader: Pick<Transaction, 'get' | 'list' | 'all'>) => {
          const pick = ({ node, id, name }: { node: string; id: string; name: string }) => ({
            node,
            id,
            name,
          });
          const keys = [...model.keys()].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
          const rows = (keep: (row: { node: string; name: string }) => boolean) =>
            keys.map((key) => model.get(key)!).filter(keep);
          expect(reader.all('services').map(pick)).toEqual(rows(() => true));
          for (const value of ['a', 'b', 'ä', 'web']) {
            expect(reader.list('services', 'name', value).map(pick)).toEqual(
              rows((row) => fold(row.name) === value),
            );
            expect(reader.list('services', 'node', value).map(pick)).toEqual(
              rows((row) => fold(row.node) === value),
            );
          }
        };
        check(inner);
        outer.absorb(inner);
        check(outer);
        if (!outer.isEmpty) catalog.apply(3, outer.writes());
        check(catalog);
      }),
    );
  });

  it('leaves nothing behind when it is dropped', () => {
    const catalog = new Catalog(fail);
    new Transaction(catalog, 1).put('services', service('n', '1', 'web'));
    expect(catalog.all('services')).toEqual([]);
    expect(catalog.index).toBe(0);
  });
});

describe('the catalog', () => {
  const put = (catalog: Catalog, ...rows: ReturnType<typeof service>[]) => {
    const tx = new Transaction(catalog, catalog.index + 1);
    for (const row of rows) tx.put('services', row);
    return catalog.apply(tx.index, tx.writes());
  };

  it('refuses an index that does not go up', () => {
    const catalog = new Catalog(fail);
    put(catalog, service('n', '1', 'web'));
    expect(() => catalog.apply(1, [])).toThrow(RangeError);
  });

  it('tells the other subscribers when one throws, and reports it', () => {
    const reported: unknown[] = [];
    const catalog = new Catalog((error) => reported.push(error));
    let told = 0;
    catalog.feed.subscribe(() => {
      throw new Error('bad reader');
    });
    catalog.feed.subscribe(() => told++);
    put(catalog, service('n', '1', 'web'));
    put(catalog, service('n', '1', 'web2'));
    expect(told).toBe(2);
    expect(reported).toHaveLength(2);
  });

  it('a service that changes its name concerns the readers of both names', () => {
    const catalog = new Catalog(fail);
    put(catalog, service('n', '1', 'old'));
    expect(put(catalog, service('n', '1', 'new')).services).toEqual(new Set(['old', 'new']));
  });

  it('knows nothing older than what was loaded, so no index goes backwards over a restart', () => {
    const catalog = new Catalog(fail);
    catalog.load(41, []);
    expect(catalog.indexOf('service:gone')).toBe(41);
    put(catalog, service('n', '1', 'web'));
    expect(catalog.indexOf('service:web')).toBe(42);
  });
});
