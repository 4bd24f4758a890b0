import fc from 'fast-check';
import { expect, it } from 'vitest';
import { ManualClock } from '../lib/clock.ts';
import { Catalog } from './catalog.ts';
import { kvDelete, kvSet } from './commands/kv.ts';
import { KeyHistory } from './key-history.ts';
import { Transaction } from './transaction.ts';

function world(maxBytes: number) {
  const catalog = new Catalog((error) => {
    throw error;
  });
  const clock = new ManualClock(1000);
  const commit = (command: (tx: Transaction) => unknown) => {
    const tx = new Transaction(catalog, catalog.index + 1, 0);
    command(tx);
    if (!tx.isEmpty) catalog.apply(tx.index, tx.writes());
  };
  const set = (key: string, value: string) =>
    commit((tx) => kvSet(tx, { key, value: Buffer.from(value), flags: 0n }));
  return { catalog, clock, commit, set, begin: () => new KeyHistory({ catalog, clock, maxBytes }) };
}

const told = (history: KeyHistory, key: string) =>
  history.versions(key).map(({ value, time }) => [value && Buffer.from(value).toString(), time]);

it('tells what a key was, newest first, and what it was before the process began', () => {
  const { clock, set, commit, begin } = world(100_000);
  set('a', 'old');
  const history = begin();
  set('a', 'new');
  clock.advance(5);
  commit((tx) => kvDelete(tx, 'a'));
  expect(told(history, 'a')).toEqual([
    [undefined, 1005],
    ['new', 1000],
    ['old', undefined],
  ]);
  expect(told(history, 'b')).toEqual([]);
  history.stop();
});

it('a lock that is taken with the value that is there is no new version', () => {
  const { catalog, set, commit, begin } = world(100_000);
  const history = begin();
  set('lock', 'me');
  commit((tx) => {
    const entry = tx.get('kv', 'lock');
    if (entry !== undefined) tx.put('kv', { ...entry, session: 'somebody', lockIndex: 1 });
  });
  expect(catalog.get('kv', 'lock')?.session).toBe('somebody');
  expect(told(history, 'lock')).toHaveLength(1);
});

it('takes no more than it may, and forgets first what was left alone the longest', () => {
  const keys = ['a', 'b', 'c', 'd'];
  fc.assert(
    fc.property(
      fc.array(fc.record({ key: fc.constantFrom(...keys), size: fc.nat(400) }), { maxLength: 80 }),
      fc.constantFrom(0, 700, 5_000),
      (writes, maxBytes) => {
        const { set, begin } = world(maxBytes);
        const history = begin();
        // What is kept, in the plainest way: the keys by when they were written last, oldest first.
        let model: { key: string; values: string[] }[] = [];
        const current = new Map<string, string>();
        const bytes = () =>
          model.reduce((sum, one) => sum + one.values.reduce((all, text) => all + 121 + text.length, 0), 0);
        for (const { key, size } of writes) {
          const value = 'x'.repeat(size);
          const before = current.get(key);
          set(key, value);
          current.set(key, value);
          if (value === before) continue;
          const kept = model.find((one) => one.key === key);
          model = model.filter((one) => one !== kept);
          model.push({ key, values: [...(kept?.values ?? (before === undefined ? [] : [before])), value] });
          while (bytes() > maxBytes) {
            model[0]?.values.shift();
            if (model[0]?.values.length === 0) model.shift();
          }
          for (const one of keys) {
            const values = model.find((other) => other.key === one)?.values ?? [];
            expect(told(history, one).map(([text]) => text)).toEqual(values.toReversed());
          }
        }
        expect(history.bytes).toBe(bytes());
      },
    ),
  );
});

it('keeps the last fifty of one key', () => {
  const { set, begin } = world(10_000_000);
  const history = begin();
  for (let number = 0; number < 80; number++) set('counter', String(number));
  const all = told(history, 'counter').map(([value]) => value);
  expect(all).toHaveLength(50);
  expect(all[0]).toBe('79');
});
