import fc from 'fast-check';
import { expect, it } from 'vitest';
import { kvSet } from '../catalog/commands/kv.ts';
import { topic } from '../catalog/topics.ts';
import { openMemoryStore } from '../store/memory.ts';
import { AnswerCache } from './answer-cache.ts';

const fail = (error: unknown) => {
  throw error;
};

const KEYS = ['a', 'b', 'c'] as const;

const step = fc.oneof(
  fc.record({ do: fc.constant('write' as const), key: fc.constantFrom(...KEYS) }),
  fc.record({
    do: fc.constant('make' as const),
    of: fc.uniqueArray(fc.constantFrom(...KEYS), { minLength: 1 }),
    bytes: fc.nat(9000),
  }),
  fc.record({ do: fc.constant('grow' as const), of: fc.constantFrom(...KEYS), bytes: fc.nat(9000) }),
);

it('never gives out what is older than the last write to what it depends on, and stays within its bytes', async () => {
  const max = 20_000;
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
      const store = openMemoryStore({ onSubscriberError: fail });
      const { catalog } = store;
      const cache = new AnswerCache<{ version: string }>(catalog, max);
      const written = new Map<string, number>();
      const version = (keys: readonly string[]) => keys.map((key) => written.get(key) ?? 0).join();
      const asked = new Map<string, readonly string[]>();
      for (const [i, one] of steps.entries()) {
        if (one.do === 'write') {
          await store.write((tx) => kvSet(tx, { key: one.key, value: Buffer.from(String(i)), flags: 0n }));
          written.set(one.key, i);
        } else if (one.do === 'make') {
          const topics = one.of.map((key) => topic.key(key));
          const index = Math.max(1, ...topics.map((name) => catalog.indexOf(name)));
          asked.set(one.of.join(), one.of);
          cache.set(
            one.of.join(),
            { version: version(one.of) },
            { watched: { topics }, index, bytes: one.bytes },
          );
        } else {
          const value = cache.get(one.of);
          if (value !== undefined) cache.grow(one.of, value, one.bytes);
        }
        for (const [key, keys] of asked) {
          const value = cache.get(key);
          if (value !== undefined) expect(value.version).toBe(version(keys));
        }
        expect(cache.bytes).toBeLessThanOrEqual(max);
      }
      for (const key of KEYS)
        await store.write((tx) => kvSet(tx, { key, value: Buffer.from('end'), flags: 0n }));
      // The feed drops what cannot be used any more: nobody had to ask for it.
      expect(cache.bytes).toBe(0);
    }),
  );
});

it('keeps an answer while other things change', async () => {
  const store = openMemoryStore({ onSubscriberError: fail });
  const cache = new AnswerCache<string>(store.catalog);
  cache.set('x', 'answer', { watched: { topics: ['key:x'] }, index: 1, bytes: 10 });
  await store.write((tx) => kvSet(tx, { key: 'y', value: Buffer.from('1'), flags: 0n }));
  expect(cache.get('x')).toBe('answer');
});

it('does not keep what would push out most of the others', () => {
  const store = openMemoryStore({ onSubscriberError: fail });
  const cache = new AnswerCache<string>(store.catalog, 100_000);
  cache.set('x', 'answer', { watched: { topics: ['key:x'] }, index: 1, bytes: 25_000 });
  expect([cache.get('x'), cache.bytes]).toEqual([undefined, 0]);
});

it('keeps the answer to a rare question from its second time on', async () => {
  const { catalog } = openMemoryStore({ onSubscriberError: fail });
  const cache = new AnswerCache<string>(catalog);
  const made = { watched: { topics: [topic.key('a')] }, index: 1, bytes: 1 };
  const set = (key: string, isRare: boolean) => {
    cache.set(key, key, { ...made, index: Math.max(1, catalog.indexOf(topic.key('a'))), isRare });
    return cache.get(key);
  };
  expect(set('usual', false)).toBe('usual');
  expect(set('rare', true)).toBeUndefined();
  expect(cache.bytes).toBeLessThan(2_000);
  expect(set('rare', true)).toBe('rare');
  const long = 'x'.repeat(2_000);
  set(long, true);
  expect(set(long, true)).toBeUndefined();
});
