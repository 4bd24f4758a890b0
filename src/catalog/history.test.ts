import fc from 'fast-check';
import { expect, it } from 'vitest';
import { ManualClock } from '../lib/clock.ts';
import { Catalog } from './catalog.ts';
import { deregisterNode, deregisterService, register } from './commands/register.ts';
import { History } from './history.ts';
import { NODE, serviceRow } from './rows.test-support.ts';
import { Transaction } from './transaction.ts';

const fail = (error: unknown) => {
  throw error;
};
const node = (name: string, address: string) => ({ ...NODE, name, address });
const service = (id: string, port: number) => ({ ...serviceRow(id, id), port });

function commit(catalog: Catalog, command: (tx: Transaction) => unknown): void {
  const tx = new Transaction(catalog, catalog.index + 1, 0);
  command(tx);
  if (!tx.isEmpty) catalog.apply(tx.index, tx.writes());
}

const write = fc.record({
  do: fc.constantFrom('register', 'service gone', 'node gone'),
  node: fc.constantFrom('a', 'b', 'C'),
  id: fc.constantFrom('x', 'y'),
  number: fc.nat(3),
  pass: fc.nat(1000),
});

it('tells every state as it was, as far back as it reaches, and takes no more than it may', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(write, { maxLength: 40 }),
      fc.constantFrom(0, 1500, 1_000_000),
      async (writes, maxBytes) => {
        const catalog = new Catalog(fail);
        const clock = new ManualClock(1000);
        const history = new History({ catalog, clock, maxBytes });
        const now = () => ({
          nodes: catalog.all('nodes'),
          services: catalog.all('services'),
          checks: catalog.all('checks'),
        });
        const states = [{ index: catalog.index, time: clock.now(), ...now() }];
        for (const { do: what, node: on, id, number, pass } of writes) {
          clock.advance(pass);
          commit(catalog, (tx) => {
            if (what === 'register')
              register(tx, { node: node(on, `10.0.0.${number}`), service: service(id, number) });
            else if (what === 'node gone') deregisterNode(tx, on);
            else deregisterService(tx, on, id);
          });
          if (catalog.index > (states.at(-1)?.index ?? 0))
            states.push({ index: catalog.index, time: clock.now(), ...now() });
          expect(history.bytes).toBeLessThanOrEqual(maxBytes);
        }
        for (const [i, state] of states.entries()) {
          const found = history.momentOf(state.index);
          if (state.index < history.oldest.index) {
            expect(found).toBeUndefined();
            continue;
          }
          expect(found).toMatchObject({ index: state.index, time: state.time });
          expect(history.at(found ?? fail('none'))).toEqual(state);
          // Of those made in the same millisecond the last.
          const last = states.findLastIndex(({ time }) => time <= state.time);
          expect(history.momentAt(state.time)?.index).toBe(states[Math.max(i, last)]?.index);
        }
        if (maxBytes > 100_000) expect(history.oldest.index).toBe(0);
      },
    ),
  );
});

it('tells what changed after one index and up to another', async () => {
  const catalog = new Catalog(fail);
  const history = new History({ catalog, clock: new ManualClock(5), maxBytes: 100_000 });
  for (const port of [1, 2, 3])
    commit(catalog, (tx) => register(tx, { node: node('a', '10.0.0.1'), service: service('x', port) }));
  const told = [...history.between(1, 2)];
  expect(told).toMatchObject([
    { index: 2, time: 5, change: { table: 'services', before: { port: 1 }, after: { port: 2 } } },
  ]);
});
