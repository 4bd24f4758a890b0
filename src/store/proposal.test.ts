import fc from 'fast-check';
import { expect, it } from 'vitest';
import { kvDelete, kvSet, kvSetIfIndex } from '../catalog/commands/kv.ts';
import { register } from '../catalog/commands/register.ts';
import type { Transaction } from '../catalog/transaction.ts';
import { difference } from './difference.ts';
import { decodeWrites, encodeWrites } from './etcd/layout.ts';
import { openMemoryStore } from './memory.ts';
import { commandOf, Outdated, type Proposal, prepare } from './proposal.ts';
import type { Command } from './store.ts';

const fail = (error: unknown) => {
  throw error;
};
const set = (key: string, value: string) => ({ key, value: Buffer.from(value), flags: 0n });
const node = { id: '', name: 'n', address: '10.0.0.1', datacenter: 'dc1', taggedAddresses: null, meta: null };

/** A place where the truth is, and a replica that follows it only when told to. */
function pair() {
  const truth = openMemoryStore({ onSubscriberError: fail });
  const replica = openMemoryStore({ onSubscriberError: fail });
  return {
    truth,
    replica: replica.catalog,
    follow() {
      if (replica.catalog.index === truth.catalog.index) return;
      const rows = truth.catalog.all('kv').map((row) => ({ table: 'kv' as const, key: row.key, row }));
      const nodes = truth.catalog
        .all('nodes')
        .map((row) => ({ table: 'nodes' as const, key: row.name, row }));
      const tombstones = truth.catalog
        .all('tombstones')
        .map((row) => ({ table: 'tombstones' as const, key: row.key, row }));
      const all = decodeWrites(encodeWrites([...rows, ...nodes, ...tombstones]));
      replica.catalog.apply(truth.catalog.index, difference(replica.catalog, all));
    },
    propose: (command: Command<unknown>) => prepare(command, replica.catalog, replica.catalog.index, 1),
    /** Rejects with `Outdated`. */
    commit: (proposal: Proposal) => truth.write(commandOf(proposal)),
  };
}

it('a proposal does where the truth is what its command would have done there', async () => {
  const { truth, propose, commit } = pair();
  const { proposal } = propose((tx) => kvSet(tx, set('a', '1')));
  const { index } = await commit(proposal);
  expect(truth.catalog.get('kv', 'a')).toMatchObject({ createIndex: index, modifyIndex: index });
});

it('one that read a row that is another by now is refused', async () => {
  const { truth, follow, propose, commit } = pair();
  await truth.write((tx) => kvSet(tx, set('a', '1')));
  follow();
  const { proposal } = propose((tx) => kvSetIfIndex(tx, set('a', '2'), tx.get('kv', 'a')?.modifyIndex ?? 0));
  await truth.write((tx) => kvSet(tx, set('a', 'other')));
  await expect(commit(proposal)).rejects.toBeInstanceOf(Outdated);
  expect(Buffer.from(truth.catalog.get('kv', 'a')?.value ?? []).toString()).toBe('other');
});

it('one that read a list in which something has appeared is refused', async () => {
  const { truth, propose, commit } = pair();
  const count = (tx: Transaction) => kvSet(tx, set('count', String(tx.prefix('kv', 'item/').length)));
  const { proposal } = propose(count);
  await truth.write((tx) => kvSet(tx, set('item/1', '')));
  await expect(commit(proposal)).rejects.toBeInstanceOf(Outdated);
});

it('"no" is proposed too: it holds only while what it is founded on does', async () => {
  const { truth, follow, propose, commit } = pair();
  await truth.write((tx) => kvSet(tx, set('a', '1')));
  const no = propose((tx) => kvSetIfIndex(tx, set('a', '2'), truth.catalog.index));
  expect(no.proposal.writes).toEqual([]);
  await expect(commit(no.proposal)).rejects.toBeInstanceOf(Outdated);
  follow();
  const yes = propose((tx) => kvSetIfIndex(tx, set('a', '2'), truth.catalog.index));
  const { index } = await commit(yes.proposal);
  expect(yes.answerAt(index)).toBe(true);
});

it('an answer that tells an index tells the one at which it was committed', async () => {
  const { truth, propose, commit } = pair();
  const { proposal, answerAt } = propose((tx) => tx.put('settings', { name: 's', value: {} }));
  await truth.write((tx) => register(tx, { node }));
  const { index } = await commit(proposal);
  expect(answerAt(index)).toMatchObject({ createIndex: index, modifyIndex: index });
});

it('a row that was deleted and made anew in one command is a new one', async () => {
  const { truth, follow, propose, commit } = pair();
  const first = await truth.write((tx) => kvSet(tx, set('a', '1')));
  follow();
  const { proposal } = propose((tx) => {
    kvDelete(tx, 'a');
    kvSet(tx, set('a', '1'));
  });
  const { index } = await commit(proposal);
  expect(index).toBeGreaterThan(first.index);
  expect(truth.catalog.get('kv', 'a')).toMatchObject({ createIndex: index });
});

it('what nobody could have proposed is refused', async () => {
  const { commit } = pair();
  const bad = [
    { seen: [], writes: [{ table: 'nothing', key: 'a' }] },
    { seen: [{ of: 'get', table: '__proto__', key: 'a', index: 0 }], writes: [] },
    { seen: [], writes: [{ table: 'kv', key: 'a', row: set('b', '1') }] },
  ] as unknown as Proposal[];
  for (const proposal of bad)
    await expect((async () => commit(proposal))()).rejects.toMatchObject({ code: 'request.rejected' });
});

it('counters never lose an update, whoever proposes from whatever old state', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.boolean(), { maxLength: 30 }), async (steps) => {
      const { truth, follow, propose, commit } = pair();
      const increment = (tx: Transaction) => {
        const row = tx.get('kv', 'n');
        kvSet(tx, set('n', String((row === undefined ? 0 : Number(Buffer.from(row.value).toString())) + 1)));
      };
      let done = 0;
      for (const isFresh of steps) {
        if (isFresh) follow();
        try {
          await commit(propose(increment).proposal);
          done++;
        } catch (error) {
          expect(error).toBeInstanceOf(Outdated);
          expect(isFresh).toBe(false);
        }
      }
      expect(Number(Buffer.from(truth.catalog.get('kv', 'n')?.value ?? []).toString() || 0)).toBe(done);
    }),
    { numRuns: 50 },
  );
});
