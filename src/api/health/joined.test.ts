import fc from 'fast-check';
import { expect, it } from 'vitest';
import { deregisterNode, deregisterService, register, updateCheck } from '../../catalog/commands/register.ts';
import { checkRow, NODE, serviceRow } from '../../catalog/rows.test-support.ts';
import type { Transaction } from '../../catalog/transaction.ts';
import { openMemoryStore } from '../../store/memory.ts';
import { joined, joinedByName } from './joined.ts';

const NAMES = ['web', 'api'] as const;
const NODES = ['n1', 'n2'] as const;
const step = fc.record({
  do: fc.constantFrom('register', 'node', 'status', 'node status', 'service gone', 'node gone'),
  name: fc.constantFrom(...NAMES),
  node: fc.constantFrom(...NODES),
  number: fc.nat(3),
});
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

const nodeAt = (name: string, number: number) => ({ ...NODE, name, address: `10.0.0.${number}` });
const STATUSES = ['passing', 'warning', 'critical', 'critical'] as const;

/** One ID for both services: an instance changes its name with it. */
function play(tx: Transaction, { do: what, name, node: on, number }: Step): void {
  if (what === 'register')
    register(tx, {
      node: nodeAt(on, 0),
      service: { ...serviceRow('s', name), port: number },
      checks: [checkRow('c', 's'), checkRow('up')],
    });
  else if (what === 'node') register(tx, { node: nodeAt(on, number) });
  else if (what === 'service gone') deregisterService(tx, on, 's');
  else if (what === 'node gone') deregisterNode(tx, on);
  else
    updateCheck(tx, on, what === 'status' ? 'c' : 'up', {
      status: STATUSES[number] ?? 'passing',
      output: '',
    });
}

it('is what would be put together now, whatever was written since it was', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 30 }), async (steps) => {
      const { catalog, write } = openMemoryStore({
        onSubscriberError(error) {
          throw error;
        },
      });
      for (const one of steps) {
        // What is not there cannot be changed.
        await write((tx) => play(tx, one)).catch(() => {});
        for (const name of NAMES) {
          expect(joinedByName(catalog, name)).toEqual(joined(catalog, name, 'name'));
          expect(joinedByName(catalog, name)).toBe(joinedByName(catalog, name));
        }
      }
    }),
  );
});
